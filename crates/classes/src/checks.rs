//! What must be true of classes and bookings for ever, as `muster check` proves it.
use muster_kernel::domain::{Check, tell};

/// All of them.
pub(crate) const ALL: [Check; 11] = [
    Check {
        name: "classes.never_overbooked",
        look: |conn| tell(conn, OVERBOOKED, |id| format!("class {id} has more people than places")),
    },
    Check {
        name: "classes.counts_are_what_the_bookings_say",
        look: |conn| tell(conn, COUNTS, |id| format!("class {id} counts other bookings than it has")),
    },
    Check {
        name: "classes.one_live_booking",
        look: |conn| tell(conn, TWICE, |id| format!("somebody is booked twice in class {id}")),
    },
    Check {
        name: "classes.waitlist_places",
        look: |conn| {
            tell(conn, PLACES, |id| format!("the line of class {id} has a place twice, or none to come"))
        },
    },
    Check {
        name: "classes.nobody_is_in_two_at_once",
        look: |conn| {
            tell(conn, MEMBERS_OVERLAP, |id| format!("member {id} has places in two classes at once"))
        },
    },
    Check {
        name: "classes.no_coach_teaches_two_at_once",
        look: |conn| tell(conn, COACHES_OVERLAP, |id| format!("coach {id} teaches two classes at once")),
    },
    Check {
        name: "classes.bookings_are_settled",
        look: |conn| tell(conn, SETTLED, |id| format!("booking {id} is not settled as its status says")),
    },
    Check {
        name: "classes.reserved_fees",
        look: |conn| {
            tell(conn, RESERVED, |id| format!("member {id} has other class fees reserved than for bookings"))
        },
    },
    Check {
        name: "classes.who_has_a_place_is_in_the_room",
        look: |conn| {
            tell(conn, MISSED, |id| {
                format!("booking {id} is of somebody who is not in the room of its class")
            })
        },
    },
    Check {
        name: "classes.nobody_else_is_in_the_room",
        look: |conn| {
            tell(conn, STRANGERS, |id| {
                format!("in room {id} of a class is somebody who never had a place in it")
            })
        },
    },
    Check {
        name: "classes.attendance_adds_up",
        look: |conn| tell(conn, ATTENDED, |id| format!("member {id} attended another number of classes")),
    },
];

const OVERBOOKED: &str = "SELECT c.id AS id FROM classes c JOIN bookings b ON b.class_id = c.id AND b.is_seated \
    GROUP BY c.id, c.capacity HAVING COUNT(*) > c.capacity ORDER BY c.id LIMIT 20";

const COUNTS: &str = "SELECT c.id AS id FROM classes c LEFT JOIN (\
      SELECT class_id, SUM(CASE WHEN is_seated THEN 1 ELSE 0 END) AS seated, \
        SUM(CASE WHEN is_waiting THEN 1 ELSE 0 END) AS waiting, \
        SUM(CASE WHEN status = 'attended' THEN 1 ELSE 0 END) AS attended FROM bookings GROUP BY class_id\
    ) b ON b.class_id = c.id \
    WHERE c.booked_count <> COALESCE(b.seated, 0) OR c.waitlist_count <> COALESCE(b.waiting, 0) \
      OR c.attended_count <> COALESCE(b.attended, 0) ORDER BY c.id LIMIT 20";

const TWICE: &str = "SELECT class_id AS id FROM bookings WHERE is_live GROUP BY class_id, member_id \
    HAVING COUNT(*) > 1 ORDER BY class_id LIMIT 20";

const PLACES: &str = "SELECT b.class_id AS id FROM bookings b JOIN classes c ON c.id = b.class_id WHERE b.is_waiting \
    GROUP BY b.class_id, c.next_place HAVING COUNT(DISTINCT b.place) < COUNT(*) OR MAX(b.place) >= c.next_place \
    ORDER BY b.class_id LIMIT 20";

const MEMBERS_OVERLAP: &str = "SELECT DISTINCT member_id AS id FROM (\
      SELECT member_id, starts_at, MAX(ends_at) OVER (PARTITION BY member_id ORDER BY starts_at, id \
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS busy_until FROM bookings WHERE is_seated\
    ) seats WHERE starts_at < busy_until ORDER BY member_id LIMIT 20";

const COACHES_OVERLAP: &str = "SELECT DISTINCT coach_id AS id FROM (\
      SELECT coach_id, starts_at, MAX(ends_at) OVER (PARTITION BY coach_id ORDER BY starts_at, id \
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS busy_until FROM classes WHERE status <> 'cancelled'\
    ) taught WHERE starts_at < busy_until ORDER BY coach_id LIMIT 20";

/// What costs something was settled once, and nothing else was; bookings are at the time of their class.
const SETTLED: &str = "SELECT b.id AS id FROM bookings b JOIN classes c ON c.id = b.class_id \
    WHERE (b.fee > 0 AND (b.status IN ('attended', 'no_show', 'late_cancelled')) \
        <> (b.charge_id IS NOT NULL OR b.use_entry_id IS NOT NULL)) \
      OR (b.fee = 0 AND (b.charge_id IS NOT NULL OR b.use_entry_id IS NOT NULL)) \
      OR (b.lot_id IS NULL AND b.use_entry_id IS NOT NULL) \
      OR (b.lot_id IS NOT NULL AND b.status NOT IN ('booked', 'attended', 'no_show', 'late_cancelled')) \
      OR (b.is_live AND (b.starts_at <> c.starts_at OR b.ends_at <> c.ends_at)) ORDER BY b.id LIMIT 20";

const RESERVED: &str = "SELECT s.member_id AS id FROM standing s LEFT JOIN (\
      SELECT member_id, COUNT(*) AS reserved FROM bookings WHERE lot_id IS NOT NULL AND use_entry_id IS NULL \
      GROUP BY member_id\
    ) b ON b.member_id = s.member_id WHERE s.prepaid_reserved <> COALESCE(b.reserved, 0) \
    ORDER BY s.member_id LIMIT 20";

/// What concerns everybody of a class is done by a job: as long as one waits, nothing is said.
const MISSED: &str = "SELECT b.id AS id FROM bookings b JOIN classes c ON c.id = b.class_id \
    WHERE b.status = 'booked' AND c.status = 'scheduled' AND c.room_id IS NOT NULL \
    AND NOT EXISTS (SELECT 1 FROM room_members m WHERE m.room_id = c.room_id AND m.user_id = b.member_id) \
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE kind = 'classes.rooms' AND state IN ('queued', 'running')) \
    ORDER BY b.id LIMIT 20";

const STRANGERS: &str = "SELECT m.room_id AS id FROM room_members m JOIN rooms r ON r.id = m.room_id AND r.kind = 'class' \
    WHERE NOT EXISTS (SELECT 1 FROM classes c WHERE c.room_id = m.room_id AND c.coach_id = m.user_id) \
    AND NOT EXISTS (SELECT 1 FROM bookings b JOIN classes c ON c.id = b.class_id WHERE c.room_id = m.room_id \
      AND b.member_id = m.user_id AND (b.is_seated OR b.status = 'cancelled_by_club')) \
    AND NOT EXISTS (SELECT 1 FROM jobs WHERE kind = 'classes.rooms' AND state IN ('queued', 'running')) \
    ORDER BY m.room_id LIMIT 20";

const ATTENDED: &str = "SELECT m.id AS id FROM members m LEFT JOIN (\
      SELECT member_id, COUNT(*) AS attended FROM bookings WHERE status = 'attended' GROUP BY member_id\
    ) b ON b.member_id = m.id WHERE m.attendance_count <> COALESCE(b.attended, 0) ORDER BY m.id LIMIT 20";
