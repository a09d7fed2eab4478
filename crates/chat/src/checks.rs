//! What must be true of rooms and messages for ever, as `muster check` proves it.

use muster_kernel::db::{Conn, Engine};
use muster_kernel::domain::{Check, tell};

/// All of them.
pub(crate) const ALL: [Check; 6] = [
    Check {
        name: "chat.numbers_without_a_hole",
        look: |conn| {
            tell(conn, HOLES, |id| format!("room {id} has a hole in what happened, or another head"))
        },
    },
    Check {
        name: "chat.messages_are_in_the_log",
        look: |conn| tell(conn, UNLOGGED, |id| format!("message {id} is not in the log of its room")),
    },
    Check {
        name: "chat.members_are_counted",
        look: |conn| tell(conn, COUNTED, |id| format!("room {id} counts other people than are in it")),
    },
    Check {
        name: "chat.reactions_are_what_people_said",
        look: |conn| {
            tell(conn, reactions(conn), |id| format!("message {id} shows other reactions than people gave"))
        },
    },
    Check {
        name: "chat.nobody_has_read_what_is_to_come",
        look: |conn| tell(conn, MARKS, |id| format!("somebody has read more of room {id} than there is")),
    },
    Check {
        name: "chat.one_room_of_the_club",
        look: |conn| tell(conn, CLUB, |id| format!("there are {id} rooms of the whole club")),
    },
];

const HOLES: &str = "SELECT r.id AS id FROM rooms r LEFT JOIN (\
      SELECT room_id, COUNT(*) AS number, MIN(seq) AS first, MAX(seq) AS last FROM room_events GROUP BY room_id\
    ) e ON e.room_id = r.id WHERE r.head_seq <> COALESCE(e.number, 0) OR r.head_seq <> COALESCE(e.last, 0) \
      OR COALESCE(e.first, 1) <> 1 ORDER BY r.id LIMIT 20";

const UNLOGGED: &str = "SELECT m.id AS id FROM messages m \
    LEFT JOIN room_events e ON e.room_id = m.room_id AND e.seq = m.seq AND e.message_id = m.id \
      AND e.event = 'message.created' \
    LEFT JOIN room_events l ON l.room_id = m.room_id AND l.seq = m.updated_seq AND l.message_id = m.id \
    WHERE e.seq IS NULL OR l.seq IS NULL ORDER BY m.id LIMIT 20";

const COUNTED: &str = "SELECT r.id AS id FROM rooms r LEFT JOIN (\
      SELECT room_id, COUNT(*) AS number FROM room_members GROUP BY room_id\
    ) m ON m.room_id = r.id WHERE r.member_count <> COALESCE(m.number, 0) ORDER BY r.id LIMIT 20";

/// Each engine takes a document apart in its own way.
fn reactions(conn: &Conn) -> &'static str {
    match conn.engine() {
        Engine::Sqlite => REACTIONS_SQLITE,
        Engine::Postgres => REACTIONS_POSTGRES,
    }
}

const REACTIONS_SQLITE: &str = "SELECT m.id AS id FROM messages m WHERE \
      (SELECT COALESCE(SUM(json_extract(value, '$.count')), 0) FROM json_each(m.reactions)) <> \
        (SELECT COUNT(*) FROM message_reactions r WHERE r.message_id = m.id) \
      OR (SELECT COUNT(*) FROM json_each(m.reactions)) <> \
        (SELECT COUNT(DISTINCT r.emoji) FROM message_reactions r WHERE r.message_id = m.id) \
    ORDER BY m.id LIMIT 20";

const REACTIONS_POSTGRES: &str = "SELECT m.id AS id FROM messages m WHERE \
      (SELECT COALESCE(SUM((value ->> 'count')::bigint), 0) FROM jsonb_array_elements(m.reactions)) <> \
        (SELECT COUNT(*) FROM message_reactions r WHERE r.message_id = m.id) \
      OR jsonb_array_length(m.reactions) <> \
        (SELECT COUNT(DISTINCT r.emoji) FROM message_reactions r WHERE r.message_id = m.id) \
    ORDER BY m.id LIMIT 20";

const MARKS: &str = "SELECT r.id AS id FROM room_marks k JOIN rooms r ON r.id = k.room_id \
    WHERE k.last_read_seq > r.head_seq ORDER BY r.id LIMIT 20";

const CLUB: &str =
    "SELECT number AS id FROM (SELECT COUNT(*) AS number FROM rooms WHERE is_club) c WHERE number <> 1";
