-- Members are listed by what stands in one table, so that an index can leave out all others and be read in the order
-- that is wanted. What members says of them is copied here in the transaction that changes it, and proven by `check`.
-- Where a membership stands; none for those who are on no list.
ALTER TABLE standing ADD COLUMN status TEXT;
ALTER TABLE standing ADD COLUMN plan_id INTEGER;
ALTER TABLE standing ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE standing ADD COLUMN attendance_count INTEGER NOT NULL DEFAULT 0;
-- Whether `overdue_from` has come. Said again when the day changes.
ALTER TABLE standing ADD COLUMN is_late INTEGER NOT NULL DEFAULT 0;
ALTER TABLE standing ADD COLUMN payment_status TEXT GENERATED ALWAYS AS (CASE
    WHEN balance > 0 THEN CASE WHEN is_late THEN 'overdue' ELSE 'due' END
    WHEN plan_id IS NULL THEN 'exempt' ELSE 'paid' END) VIRTUAL;
UPDATE standing SET (status, plan_id, name_key, attendance_count) = (
    SELECT CASE WHEN u.erased_at IS NULL THEN m.status END, m.plan_id,
        CASE WHEN u.erased_at IS NULL THEN u.name_key ELSE '' END, m.attendance_count
    FROM members m JOIN users u ON u.id = m.id WHERE m.id = standing.member_id)
    WHERE member_id IN (SELECT id FROM members);
UPDATE standing SET is_late = 1 WHERE overdue_from <= date('now');
CREATE INDEX standing_list_joined ON standing (status, payment_status, member_id) WHERE status IS NOT NULL;
CREATE INDEX standing_list_name ON standing (status, payment_status, name_key, member_id) WHERE status IS NOT NULL;
CREATE INDEX standing_list_attendance ON standing (status, payment_status, attendance_count, member_id) WHERE status IS NOT NULL;
CREATE INDEX standing_list_debt ON standing (status, payment_status, balance, member_id) WHERE status IS NOT NULL;
CREATE INDEX standing_plan_joined ON standing (plan_id, status, payment_status, member_id) WHERE status IS NOT NULL;
CREATE INDEX standing_plan_name ON standing (plan_id, status, payment_status, name_key, member_id) WHERE status IS NOT NULL;
CREATE INDEX standing_plan_attendance ON standing (plan_id, status, payment_status, attendance_count, member_id) WHERE status IS NOT NULL;
CREATE INDEX standing_plan_debt ON standing (plan_id, status, payment_status, balance, member_id) WHERE status IS NOT NULL;
CREATE INDEX standing_name ON standing (name_key, member_id) WHERE status IS NOT NULL;
CREATE INDEX standing_late ON standing (is_late, overdue_from, member_id);
DROP INDEX standing_overdue;
DROP INDEX members_status;
DROP INDEX members_name;
DROP INDEX members_status_name;
DROP INDEX members_plan_name;
DROP INDEX members_attendance;
DROP INDEX members_status_attendance;
ALTER TABLE members DROP COLUMN name_key;
