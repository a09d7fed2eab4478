//! A class: one session, alone or of a series.

use chrono::NaiveDate;
use chrono::TimeDelta;
use muster_auth::club::Policies;
use muster_chat::RoomId;
use muster_kernel::{Minor, Timestamp, UserId, id_type, text_enum};

use crate::schema::classes;

id_type! {
    /// A class.
    pub struct ClassId;
}

id_type! {
    /// A series of classes.
    pub struct SeriesId;
}

text_enum! {
    /// How far a class is.
    pub enum ClassStatus {
        /// It is to come, or under way, or waits to be completed.
        Scheduled = "scheduled",
        /// It did not take place.
        Cancelled = "cancelled",
        /// It took place, and its coach's pay is accrued.
        Completed = "completed",
    }
}

/// A class as its row says.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Class {
    /// Its number.
    pub id: ClassId,
    /// Goes up with every change.
    pub version: i64,
    /// The series it belongs to.
    pub series_id: Option<SeriesId>,
    /// The room in which those of it talk.
    pub room_id: Option<RoomId>,
    /// What it is called.
    pub class_title: String,
    /// Who teaches it.
    pub coach_id: UserId,
    /// Who was to teach it at first.
    pub planned_coach_id: UserId,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// The day in its own zone.
    pub local_date: NaiveDate,
    /// The IANA time zone in which it was planned.
    pub time_zone: String,
    /// How long it is.
    pub duration_minutes: i32,
    /// Where it is.
    pub location: String,
    /// How many places it has.
    pub capacity: i32,
    /// What a place costs.
    pub fee: Minor,
    /// More about it.
    pub description: Option<String>,
    /// How far it is.
    pub status: ClassStatus,
    /// Why it was cancelled.
    pub cancelled_reason: Option<String>,
    /// What was changed of this session alone.
    pub(crate) changed_by_hand: String,
    /// Places that are taken.
    pub booked_count: i32,
    /// People in line.
    pub waitlist_count: i32,
    /// Who attended.
    pub attended_count: i32,
    pub(crate) next_place: i32,
    /// Goes up when its time, place, coach, title or status change.
    pub sequence: i32,
    /// When that was.
    pub changed_at: Timestamp,
}

muster_kernel::columns!(classes {
    id,
    version,
    series_id,
    room_id,
    class_title,
    coach_id,
    planned_coach_id,
    starts_at,
    ends_at,
    local_date,
    time_zone,
    duration_minutes,
    location,
    capacity,
    fee,
    description,
    status,
    cancelled_reason,
    changed_by_hand,
    booked_count,
    waitlist_count,
    attended_count,
    next_place,
    sequence,
    changed_at,
});

impl Class {
    /// Places that are free: none of a class that is over or off.
    pub fn free_places(&self) -> i32 {
        match self.status {
            ClassStatus::Scheduled => self.capacity - self.booked_count,
            ClassStatus::Cancelled | ClassStatus::Completed => 0,
        }
    }

    /// Whether it has begun.
    pub fn has_begun(&self, now: Timestamp) -> bool {
        now >= self.starts_at
    }

    /// Whether places that become free still go to those in line by themselves.
    pub(crate) fn promotes(&self, policies: &Policies, now: Timestamp) -> bool {
        self.status == ClassStatus::Scheduled
            && now < before(self.starts_at, policies.promotion_cutoff_minutes)
    }

    /// Until when a place that is taken now can be given back free of charge.
    pub(crate) fn free_until(&self, policies: &Policies, now: Timestamp) -> Timestamp {
        let deadline = before(self.starts_at, policies.cancel_deadline_minutes);
        let grace = now.plus(TimeDelta::minutes(i64::from(policies.cancel_grace_minutes)));
        deadline.max(grace)
    }

    /// The day on which what it costs is dated: its own, or today's where that has not come yet.
    pub(crate) fn day(&self, today: NaiveDate) -> NaiveDate {
        self.local_date.min(today)
    }
}

pub(crate) fn before(at: Timestamp, minutes: i32) -> Timestamp {
    at.plus(-TimeDelta::minutes(i64::from(minutes)))
}
