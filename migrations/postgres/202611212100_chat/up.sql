-- Chat. Whatever happens in a room takes its next number, with the room's row locked: the order of the numbers is the order
-- of the commits, and there is no hole.
CREATE TABLE rooms (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version BIGINT NOT NULL DEFAULT 1,
    kind TEXT NOT NULL CHECK (kind IN ('channel', 'announcement', 'class', 'direct')),
    -- Of a direct room there is none: it is called by those in it.
    room_name TEXT,
    -- The one room that everybody of the club is in, without rows of their own.
    is_club BOOLEAN NOT NULL DEFAULT FALSE,
    class_id BIGINT UNIQUE REFERENCES classes (id),
    series_id BIGINT UNIQUE REFERENCES class_series (id),
    -- Of a direct room: who is in it, in order, so that the same people find it again.
    people TEXT UNIQUE,
    replies_allowed BOOLEAN NOT NULL DEFAULT FALSE,
    -- A minor is in it with an adult, and no guardian is: nobody writes until one joins.
    needs_guardian BOOLEAN NOT NULL DEFAULT FALSE,
    archived_at TIMESTAMPTZ,
    -- Whoever takes part in the club may join it.
    is_joinable BOOLEAN NOT NULL DEFAULT FALSE,
    head_seq BIGINT NOT NULL DEFAULT 0 CHECK (head_seq >= 0),
    member_count INTEGER NOT NULL DEFAULT 0 CHECK (member_count >= 0),
    made_by BIGINT REFERENCES users (id),
    made_at TIMESTAMPTZ NOT NULL,
    CHECK ((kind = 'direct') = (room_name IS NULL)),
    CHECK (kind = 'class' OR (class_id IS NULL AND series_id IS NULL)),
    CHECK (kind <> 'direct' OR member_count <= 8)
);
CREATE INDEX rooms_joinable ON rooms (is_joinable, id);
CREATE INDEX rooms_club ON rooms (is_club);
CREATE UNIQUE INDEX rooms_one_club ON rooms (is_club) WHERE is_club;
CREATE INDEX rooms_made_by ON rooms (made_by);

CREATE TABLE room_members (
    room_id BIGINT NOT NULL REFERENCES rooms (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('member', 'moderator')),
    -- What they may see begins here.
    from_seq BIGINT NOT NULL,
    joined_at TIMESTAMPTZ NOT NULL,
    -- Of the room of a class: until when they stay.
    stays_until TIMESTAMPTZ,
    PRIMARY KEY (room_id, user_id)
);
CREATE INDEX room_members_user ON room_members (user_id, room_id);
CREATE INDEX room_members_stays ON room_members (stays_until);

-- What somebody has read of a room, and how they want to hear of it; it outlives their being in it.
CREATE TABLE room_marks (
    user_id BIGINT NOT NULL REFERENCES users (id),
    room_id BIGINT NOT NULL REFERENCES rooms (id),
    last_read_seq BIGINT NOT NULL DEFAULT 0,
    -- They do not want to hear of it until then.
    muted_until TIMESTAMPTZ,
    -- A moderator has them be quiet until then.
    silenced_until TIMESTAMPTZ,
    PRIMARY KEY (user_id, room_id)
);
CREATE INDEX room_marks_room ON room_marks (room_id, user_id);

CREATE TABLE messages (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version BIGINT NOT NULL DEFAULT 1,
    room_id BIGINT NOT NULL REFERENCES rooms (id),
    seq BIGINT NOT NULL,
    updated_seq BIGINT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    client_id TEXT,
    -- Of what was sent under the client's id, so that the same can be told from something else for ever.
    fingerprint TEXT,
    title TEXT,
    content TEXT,
    reply_to BIGINT REFERENCES messages (id),
    -- Those of `message_mentions` and `message_reactions` as they are shown, so that a page is one statement.
    mentions JSONB NOT NULL,
    reactions JSONB NOT NULL,
    pinned BOOLEAN NOT NULL DEFAULT FALSE,
    made_at TIMESTAMPTZ NOT NULL,
    edited_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ,
    deleted_by BIGINT REFERENCES users (id),
    -- By which words it is found. The room is a word, too: nobody searches rooms they are not in.
    words TSVECTOR NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', 'room' || room_id), 'D')
        || setweight(to_tsvector('simple', COALESCE(title, '') || ' ' || COALESCE(content, '')), 'A')
    ) STORED,
    UNIQUE (room_id, seq),
    CHECK ((deleted_at IS NULL) = (content IS NOT NULL)),
    CHECK (deleted_at IS NULL OR (title IS NULL AND NOT pinned))
);
CREATE INDEX messages_room ON messages (room_id, id);
CREATE INDEX messages_user ON messages (user_id, id);
CREATE UNIQUE INDEX messages_once ON messages (user_id, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX messages_answered ON messages (reply_to) WHERE reply_to IS NOT NULL;
CREATE INDEX messages_deleted_by ON messages (deleted_by) WHERE deleted_by IS NOT NULL;
CREATE INDEX messages_words ON messages USING GIN (words);

CREATE TABLE message_mentions (
    user_id BIGINT NOT NULL REFERENCES users (id),
    room_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    message_id BIGINT NOT NULL REFERENCES messages (id),
    PRIMARY KEY (user_id, room_id, seq)
);
CREATE INDEX message_mentions_message ON message_mentions (message_id);

CREATE TABLE message_reactions (
    message_id BIGINT NOT NULL REFERENCES messages (id),
    emoji TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    made_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (message_id, emoji, user_id)
);
CREATE INDEX message_reactions_first ON message_reactions (message_id, emoji, made_at, user_id);
CREATE INDEX message_reactions_user ON message_reactions (user_id, message_id);

-- All that happened, in order: what somebody who was away reads. What it refers to is never deleted, and it has no index to
-- look for that. Of a message it says only which: what is shown is the
-- message as it is, so that deleted words are never sent again.
CREATE TABLE room_events (
    room_id BIGINT NOT NULL REFERENCES rooms (id),
    seq BIGINT NOT NULL,
    event TEXT NOT NULL,
    message_id BIGINT,
    user_id BIGINT,
    emoji TEXT,
    state JSONB,
    actor_id BIGINT,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (room_id, seq)
);

INSERT INTO rooms (kind, room_name, is_club, made_at) VALUES ('announcement', 'club', TRUE, now());

-- Classes that were planned before there was chat.
INSERT INTO rooms (kind, room_name, series_id, made_at)
    SELECT 'class', class_title, id, made_at FROM class_series ORDER BY id;
INSERT INTO rooms (kind, room_name, class_id, made_at)
    SELECT 'class', class_title, id, made_at FROM classes WHERE series_id IS NULL ORDER BY id;
INSERT INTO room_members (room_id, user_id, role, from_seq, joined_at, stays_until)
    SELECT room_id, user_id, MAX(role), 1, now(), MAX(ends_at) + INTERVAL '14 days' FROM (
        SELECT r.id AS room_id, c.coach_id AS user_id, 'moderator' AS role, c.ends_at
            FROM classes c JOIN rooms r ON r.class_id = c.id OR r.series_id = c.series_id
            WHERE c.status <> 'cancelled'
        UNION ALL
        SELECT r.id, b.member_id, 'member', c.ends_at
            FROM bookings b JOIN classes c ON c.id = b.class_id
            JOIN rooms r ON r.class_id = c.id OR r.series_id = c.series_id
            WHERE b.status IN ('booked', 'attended', 'no_show') AND c.status <> 'cancelled'
    ) people GROUP BY room_id, user_id HAVING MAX(ends_at) + INTERVAL '14 days' > now();
UPDATE rooms SET member_count = (SELECT COUNT(*) FROM room_members m WHERE m.room_id = rooms.id);
