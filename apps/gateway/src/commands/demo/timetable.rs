//! What is known of the classes to come: looked up once a week, as people look at a timetable.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use muster_chat::RoomId;
use muster_classes::{Class, ClassId, SeriesId};
use muster_kernel::Timestamp;

use super::days::ZONE;
use super::term::Course;

/// A class to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) id: ClassId,
    pub(super) course: Course,
    pub(super) starts: Timestamp,
    pub(super) ends: Timestamp,
}

/// The classes that are known.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    /// The series of each course, and its room.
    series: BTreeMap<Course, (SeriesId, Option<RoomId>)>,
    sessions: BTreeMap<ClassId, Session>,
    /// Classes that there are once, by their place.
    once: BTreeMap<usize, Class>,
}

impl Timetable {
    pub(super) fn has_series(&mut self, course: Course, series: SeriesId, room: Option<RoomId>) {
        self.series.insert(course, (series, room));
    }

    pub(super) fn series(&self) -> impl Iterator<Item = (Course, SeriesId)> {
        self.series.iter().map(|(course, (series, _))| (*course, *series))
    }

    /// The room of a course.
    pub(super) fn room(&self, course: Course) -> Option<RoomId> {
        self.series.get(&course).and_then(|(_, room)| *room)
    }

    /// Takes a class up; true when it is new.
    pub(super) fn has(&mut self, session: Session) -> bool {
        self.sessions.insert(session.id, session).is_none()
    }

    /// Forgets a class that does not take place.
    pub(super) fn loses(&mut self, id: ClassId) {
        self.sessions.remove(&id);
    }

    pub(super) fn has_once(&mut self, place: usize, class: Class) {
        self.once.insert(place, class);
    }

    pub(super) fn once(&self, place: usize) -> Option<&Class> {
        self.once.get(&place)
    }

    /// The classes of a course after one day and up to another, in the order of their numbers.
    pub(super) fn between(&self, course: Course, after: NaiveDate, through: NaiveDate) -> Vec<Session> {
        let on = |it: &Session| it.starts.utc().with_timezone(&ZONE).date_naive();
        let is_so = |it: &&Session| it.course == course && on(it) > after && on(it) <= through;
        self.sessions.values().filter(is_so).copied().collect()
    }
}
