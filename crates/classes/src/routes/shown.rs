//! A class as clients see it.

use muster_chat::RoomId;
use muster_kernel::{Minor, Timestamp, UserId};
use serde::Serialize;

use crate::class::{ClassId, ClassStatus, SeriesId};
use crate::timetable::{Participant, Seen, Shown};
use crate::warnings::Warning;

/// A class. Fields that you may not see are absent.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Class)]
pub(super) struct ClassShown {
    pub(super) id: ClassId,
    pub(super) version: i64,
    class_title: String,
    coach_id: UserId,
    /// What the coach is called.
    instructor_name: String,
    /// When it starts.
    class_datetime: Timestamp,
    /// The IANA time zone it was planned in.
    time_zone: String,
    duration_minutes: i32,
    location: String,
    capacity: i32,
    /// What a place costs.
    fee: Minor,
    description: Option<String>,
    status: ClassStatus,
    /// Why it was cancelled, if it was.
    cancelled_reason: Option<String>,
    /// Places that are taken.
    booked_count: i32,
    /// People in line.
    waitlist_count: i32,
    /// Places that are free.
    free_places: i32,
    /// The series it belongs to.
    series_id: Option<SeriesId>,
    /// The room of its people in the chat.
    room_id: Option<RoomId>,
    /// Your own booking, or null.
    my_booking: Option<Shown>,
    /// Who has a place: all of them for its coach, treasurers and admins; for others only themselves.
    participants: Vec<Participant>,
}

impl ClassShown {
    pub(super) fn of(seen: Seen) -> ClassShown {
        let Seen { class, instructor_name, my_booking, my_position, participants } = seen;
        let free_places = class.free_places();
        let my_booking = my_booking
            .map(|booking| Shown::of(booking, my_position, class.class_title.clone(), class.starts_at));
        ClassShown {
            id: class.id,
            version: class.version,
            class_title: class.class_title,
            coach_id: class.coach_id,
            instructor_name,
            class_datetime: class.starts_at,
            time_zone: class.time_zone,
            duration_minutes: class.duration_minutes,
            location: class.location,
            capacity: class.capacity,
            fee: class.fee,
            description: class.description,
            status: class.status,
            cancelled_reason: class.cancelled_reason,
            booked_count: class.booked_count,
            waitlist_count: class.waitlist_count,
            free_places,
            series_id: class.series_id,
            room_id: class.room_id,
            my_booking,
            participants,
        }
    }
}

/// A class as whoever planned or changed it sees it.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PlannedClass {
    #[serde(flatten)]
    pub(super) class: ClassShown,
    /// What may be worth knowing of it; absent when there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<Warning>,
}
