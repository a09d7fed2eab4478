-- Members are listed by what stands in one table, so that an index can leave out all others and be read in the order
-- that is wanted. What members says of them is copied here in the transaction that changes it, and proven by `check`.
-- Where a membership stands; none for those who are on no list.
ALTER TABLE standing ADD COLUMN status TEXT COLLATE "C";
ALTER TABLE standing ADD COLUMN plan_id BIGINT;
ALTER TABLE standing ADD COLUMN name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE standing ADD COLUMN attendance_count INTEGER NOT NULL DEFAULT 0;
-- Whether `overdue_from` has come. Said again when the day changes.
ALTER TABLE standing ADD COLUMN is_late BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE standing ADD COLUMN payment_status TEXT COLLATE "C" GENERATED ALWAYS AS (CASE
    WHEN balance > 0 THEN CASE WHEN is_late THEN 'overdue' ELSE 'due' END
    WHEN plan_id IS NULL THEN 'exempt' ELSE 'paid' END) STORED;
UPDATE standing SET status = CASE WHEN u.erased_at IS NULL THEN m.status END, plan_id = m.plan_id,
    name_key = CASE WHEN u.erased_at IS NULL THEN u.name_key ELSE '' END, attendance_count = m.attendance_count
    FROM members m, users u WHERE m.id = standing.member_id AND u.id = m.id;
UPDATE standing SET is_late = true WHERE overdue_from <= CURRENT_DATE;
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
