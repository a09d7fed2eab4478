-- The same as in `users`, so that members are listed by name without reading everybody.
ALTER TABLE members ADD COLUMN name_key TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN plan_id BIGINT;
-- The day, in the club's zone, on which the membership last became active: dues are prorated from it.
ALTER TABLE members ADD COLUMN active_since DATE;
-- Derived from `attendance_months` in the same transaction, and proven by `check`.
ALTER TABLE members ADD COLUMN attendance_count INTEGER NOT NULL DEFAULT 0 CHECK (attendance_count >= 0);
ALTER TABLE members ADD COLUMN phone TEXT;
ALTER TABLE members ADD COLUMN address TEXT;
ALTER TABLE members ADD COLUMN emergency_contact TEXT;
ALTER TABLE members ADD COLUMN notes TEXT;
-- What another program knows them by.
ALTER TABLE members ADD COLUMN external_id TEXT;
UPDATE members SET name_key = (SELECT u.name_key FROM users u WHERE u.id = members.id);
UPDATE members SET active_since = CAST(status_since AT TIME ZONE 'UTC' AS DATE) WHERE status IN ('active', 'suspended');
CREATE UNIQUE INDEX members_external_id ON members (external_id);
CREATE INDEX members_name ON members (name_key, id);
CREATE INDEX members_status_name ON members (status, name_key, id);
CREATE INDEX members_plan_name ON members (plan_id, name_key, id);
CREATE INDEX members_plan ON members (plan_id, id);
CREATE INDEX members_attendance ON members (attendance_count, id);
CREATE INDEX members_status_attendance ON members (status, attendance_count, id);

-- How a membership came to stand where it stands. The first row, from nothing, is its beginning.
CREATE TABLE member_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_id BIGINT NOT NULL REFERENCES users (id),
    from_status TEXT CHECK (from_status IN ('pending', 'active', 'suspended', 'rejected', 'left')),
    to_status TEXT NOT NULL CHECK (to_status IN ('pending', 'active', 'suspended', 'rejected', 'left')),
    at TIMESTAMPTZ NOT NULL,
    -- None for what somebody who was not signed in did: registering.
    by BIGINT REFERENCES users (id),
    reason TEXT
);
CREATE INDEX member_changes_member ON member_changes (member_id, id);
CREATE INDEX member_changes_by ON member_changes (by);

-- How often somebody attended in a month of the club's zone.
CREATE TABLE attendance_months (
    member_id BIGINT NOT NULL REFERENCES users (id),
    month TEXT COLLATE "C" NOT NULL CHECK (month ~ '^[0-9]{4}-[0-9]{2}$'),
    attended INTEGER NOT NULL CHECK (attended >= 0),
    PRIMARY KEY (member_id, month)
);
CREATE INDEX attendance_months_most ON attendance_months (month, attended, member_id);
