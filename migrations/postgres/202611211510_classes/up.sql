-- Classes that repeat. The rule is in local time: a class at 19:00 stays at 19:00 when the clocks change.
CREATE TABLE class_series (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version BIGINT NOT NULL DEFAULT 1,
    class_title TEXT NOT NULL,
    coach_id BIGINT NOT NULL REFERENCES users (id),
    duration_minutes INTEGER NOT NULL CHECK (duration_minutes BETWEEN 1 AND 1440),
    location TEXT NOT NULL,
    capacity INTEGER NOT NULL CHECK (capacity > 0),
    fee BIGINT NOT NULL CHECK (fee >= 0),
    description TEXT,
    time_zone TEXT NOT NULL,
    rrule TEXT NOT NULL,
    -- When the first session starts, there: YYYY-MM-DDTHH:MM:SS.
    local_start TEXT NOT NULL,
    -- Sessions are made through this day.
    made_through DATE NOT NULL,
    -- After this day there are none: the series was cut short.
    last_date DATE,
    -- The series that this one goes on from.
    continues BIGINT REFERENCES class_series (id),
    -- Whether there are sessions still to be made.
    is_active BOOLEAN NOT NULL,
    made_by BIGINT REFERENCES users (id),
    made_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX class_series_coach ON class_series (coach_id, id);
CREATE INDEX class_series_active ON class_series (is_active, made_through, id);
CREATE INDEX class_series_continues ON class_series (continues);
CREATE INDEX class_series_made_by ON class_series (made_by);

-- Classes: single sessions, and those of a series.
CREATE TABLE classes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version BIGINT NOT NULL DEFAULT 1,
    series_id BIGINT REFERENCES class_series (id),
    -- The local start that the rule gave it, however it was moved since: YYYY-MM-DDTHH:MM:SS.
    occurrence TEXT,
    class_title TEXT NOT NULL,
    coach_id BIGINT NOT NULL REFERENCES users (id),
    -- Who was to teach it at first: another when a substitute does.
    planned_coach_id BIGINT NOT NULL REFERENCES users (id),
    starts_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    -- The day in its own zone: fees, pay and prepaid income are dated on it.
    local_date DATE NOT NULL,
    time_zone TEXT NOT NULL,
    duration_minutes INTEGER NOT NULL CHECK (duration_minutes BETWEEN 1 AND 1440),
    location TEXT NOT NULL,
    capacity INTEGER NOT NULL CHECK (capacity > 0),
    fee BIGINT NOT NULL CHECK (fee >= 0),
    description TEXT,
    status TEXT NOT NULL CHECK (status IN ('scheduled', 'cancelled', 'completed')),
    cancelled_reason TEXT,
    -- Names of what was changed of this session alone; edits of its series leave these as they are.
    changed_by_hand TEXT NOT NULL DEFAULT '',
    -- Derived from the bookings in the same transaction, and proven by `check`.
    booked_count INTEGER NOT NULL DEFAULT 0,
    waitlist_count INTEGER NOT NULL DEFAULT 0 CHECK (waitlist_count >= 0),
    attended_count INTEGER NOT NULL DEFAULT 0 CHECK (attended_count >= 0),
    -- The place in line of whoever waits next.
    next_place INTEGER NOT NULL DEFAULT 1,
    has_room BOOLEAN NOT NULL,
    has_line BOOLEAN NOT NULL DEFAULT false,
    -- Goes up when its time, place, coach, title or status change, for calendars; and when that was.
    sequence INTEGER NOT NULL DEFAULT 0,
    changed_at TIMESTAMPTZ NOT NULL,
    made_at TIMESTAMPTZ NOT NULL,
    completed_at TIMESTAMPTZ,
    UNIQUE (series_id, occurrence),
    -- Whatever races, a class is never overbooked.
    CHECK (booked_count BETWEEN 0 AND capacity),
    CHECK (has_room = (status = 'scheduled' AND booked_count < capacity)),
    CHECK (has_line = (waitlist_count > 0)),
    CHECK ((series_id IS NULL) = (occurrence IS NULL)),
    CHECK (ends_at > starts_at),
    CHECK ((status = 'completed') = (completed_at IS NOT NULL))
);
CREATE INDEX classes_time ON classes (starts_at, id);
CREATE INDEX classes_coach ON classes (coach_id, starts_at, id);
CREATE INDEX classes_planned_coach ON classes (planned_coach_id, starts_at);
CREATE INDEX classes_series ON classes (series_id, starts_at, id);
CREATE INDEX classes_room ON classes (has_room, starts_at, id);
CREATE INDEX classes_line ON classes (has_line, starts_at, id);
CREATE INDEX classes_end ON classes (status, ends_at, id);

-- The words by which classes are found.
CREATE TABLE class_words (
    word TEXT COLLATE "C" NOT NULL,
    class_id BIGINT NOT NULL REFERENCES classes (id),
    PRIMARY KEY (word, class_id)
);
CREATE INDEX class_words_class ON class_words (class_id);

-- Who is booked, waits, came, or cancelled. A row is never deleted. What settled it (lot, charge, entry) is never deleted
-- either, so that what grows with the bookings needs no foreign keys to it, which would need an index each.
CREATE TABLE bookings (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version BIGINT NOT NULL DEFAULT 1,
    class_id BIGINT NOT NULL REFERENCES classes (id),
    member_id BIGINT NOT NULL REFERENCES users (id),
    status TEXT NOT NULL CHECK (status IN ('booked', 'waitlisted', 'attended', 'no_show', 'excused', 'cancelled',
        'late_cancelled', 'cancelled_by_club')),
    -- Not cancelled.
    is_live BOOLEAN NOT NULL,
    -- Holds a place.
    is_seated BOOLEAN NOT NULL,
    is_waiting BOOLEAN NOT NULL,
    -- The place in line: lower ones are before it. Positions are counted from it.
    place INTEGER,
    -- Fixed when it was made or promoted.
    fee BIGINT NOT NULL CHECK (fee >= 0),
    free_until TIMESTAMPTZ NOT NULL,
    -- The lot of the class fee paid in advance that is reserved, or was used.
    lot_id BIGINT,
    -- What settled it, if it cost something.
    charge_id BIGINT,
    use_entry_id BIGINT,
    walk_in BOOLEAN NOT NULL DEFAULT false,
    booked_at TIMESTAMPTZ NOT NULL,
    promoted_at TIMESTAMPTZ,
    decided_at TIMESTAMPTZ,
    -- None for what the clock does.
    made_by BIGINT,
    -- Those of the class.
    starts_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    is_reminded BOOLEAN NOT NULL DEFAULT false,
    CHECK (is_live = (status IN ('booked', 'waitlisted', 'attended', 'no_show', 'excused'))),
    CHECK (is_seated = (status IN ('booked', 'attended', 'no_show'))),
    CHECK (is_waiting = (status = 'waitlisted') AND is_waiting = (place IS NOT NULL)),
    CHECK (charge_id IS NULL OR use_entry_id IS NULL)
);
CREATE UNIQUE INDEX bookings_one_live ON bookings (class_id, member_id) WHERE is_live;
CREATE INDEX bookings_class ON bookings (class_id, is_live, id);
CREATE INDEX bookings_line ON bookings (class_id, is_waiting, place);
CREATE INDEX bookings_member ON bookings (member_id, id);
CREATE INDEX bookings_time ON bookings (member_id, is_live, starts_at, class_id);
CREATE INDEX bookings_status ON bookings (status, id);
CREATE INDEX bookings_reminder ON bookings (is_reminded, starts_at, id);

CREATE TRIGGER bookings_kept BEFORE DELETE ON bookings
FOR EACH ROW EXECUTE FUNCTION muster_refuse('refused: bookings are never deleted');
CREATE TRIGGER classes_kept BEFORE DELETE ON classes
FOR EACH ROW EXECUTE FUNCTION muster_refuse('refused: classes are never deleted');
