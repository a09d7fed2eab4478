//! The rooms in which people talk, and who is there.

use std::collections::BTreeMap;

use chrono::{Days as Count, TimeDelta};
use muster_auth::Roles;
use muster_auth::permissions::{Chat, ReadRooms};
use muster_chat::rooms::{self, NewRoom, RoomPatch};
use muster_chat::{RoomId, RoomKind};
use muster_kernel::Expected;
use muster_kernel::fault::Fault;
use muster_kernel::page::PageRequest;

use super::cast::{
    ANDREA, AYLIN, Cast, HENRIK, INES, JONAS, KATHARINA, LENA, MARKUS, MIRIAM, NELE, SABINE, STEFAN, TOMASZ,
    Who,
};
use super::chance::Chance;
use super::stage::Stage;
use super::talk;
use super::term::{Course, GYMNASTICS, JUDO_FOR_CHILDREN};

/// People who join a room at once.
const AT_ONCE: usize = 6;

/// A room that somebody opens.
#[derive(Debug)]
pub(super) struct Opening {
    /// By what its part of the talk is found.
    word: &'static str,
    name: Option<&'static str>,
    kind: RoomKind,
    /// Whether those who read may answer.
    replies: bool,
    by: Who,
    /// Of a direct room: the others.
    with: &'static [Who],
    joined_by: Joiners,
}

/// Who joins a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joiners {
    /// Those who are in it from the beginning, and nobody else.
    Nobody,
    /// So many of a hundred, and the staff.
    Some(u32),
    /// Those who act for the children of a course.
    ParentsOf(Course),
}

const OPENINGS: [Opening; 12] = [
    Opening::public("competitions", "Competitions", TOMASZ, Joiners::Some(30)),
    Opening::public("meet-ups", "Badminton meet-ups", HENRIK, Joiners::Some(20)),
    Opening::public("lost", "Lost and found", KATHARINA, Joiners::Some(45)),
    Opening::public("lifts", "Lifts and away days", STEFAN, Joiners::Some(25)),
    Opening::public(
        "judo-parents",
        "Judo for children: parents",
        TOMASZ,
        Joiners::ParentsOf(JUDO_FOR_CHILDREN),
    ),
    Opening::public("gymnastics-parents", "Gymnastics: parents", AYLIN, Joiners::ParentsOf(GYMNASTICS)),
    Opening::direct("staff", KATHARINA, &[JONAS, MIRIAM, TOMASZ, INES, HENRIK, AYLIN, STEFAN]),
    Opening::direct("lena", LENA, &[INES]),
    Opening::direct("sabine", SABINE, &[TOMASZ]),
    Opening::direct("nele", TOMASZ, &[NELE, ANDREA]),
    Opening::direct("markus", JONAS, &[MARKUS]),
    Opening::direct("board", KATHARINA, &[JONAS]),
];

impl Opening {
    /// Competitions are announced; elsewhere everybody writes.
    const fn public(word: &'static str, name: &'static str, by: Who, joined_by: Joiners) -> Opening {
        let kind = match word.as_bytes() {
            b"competitions" => RoomKind::Announcement,
            _ => RoomKind::Channel,
        };
        let replies = matches!(kind, RoomKind::Announcement);
        Opening { word, name: Some(name), kind, replies, by, with: &[], joined_by }
    }

    const fn direct(word: &'static str, by: Who, with: &'static [Who]) -> Opening {
        let kind = RoomKind::Direct;
        Opening { word, name: None, kind, replies: false, by, with, joined_by: Joiners::Nobody }
    }

    /// Those who join it.
    fn joiners(&self, cast: &Cast, chance: &mut Chance) -> Vec<Who> {
        let mut joiners = match self.joined_by {
            Joiners::Nobody => Vec::new(),
            Joiners::Some(percent) => {
                let all = cast.those(|it| it.email.is_some());
                let is_sure = |who: &Who| cast[*who].to_be != Roles::MEMBER || *who == LENA;
                all.into_iter().filter(|who| is_sure(who) || chance.percent(percent)).collect()
            }
            Joiners::ParentsOf(course) => {
                let children = cast.those(|it| it.courses.contains(&course));
                children.into_iter().flat_map(|child| cast[child].guardians.clone()).collect()
            }
        };
        joiners.sort_unstable();
        joiners.dedup();
        joiners.retain(|who| *who != self.by);
        joiners
    }
}

/// A room, and somebody who is always there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) id: RoomId,
    pub(super) host: Who,
    pub(super) is_club: bool,
}

/// The rooms by the words of the talk.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    by_word: BTreeMap<&'static str, Room>,
    /// What everybody wrote last in each room: that they have read.
    pub(super) own: BTreeMap<(Who, RoomId), i64>,
}

/// What happens to rooms.
#[derive(Debug)]
pub(super) enum Event {
    /// One is opened, or that of the club is found.
    Opens(Option<&'static Opening>),
    /// Some join it.
    IsJoined(&'static Opening, Vec<Who>),
}

/// Says when rooms are opened, and who joins them.
pub(super) fn plan(stage: &mut Stage) {
    let days = stage.days;
    let begin = days.first() - Count::new(4);
    stage.timeline.add(days.at(begin, 12, 0), talk::Event::Rooms(Event::Opens(None)));
    for opening in &OPENINGS {
        let mut chance = Chance::of(opening.word);
        let at = days.at(begin, 12, 10).plus(TimeDelta::minutes(chance.among(0..=500).into()));
        stage.timeline.add(at, talk::Event::Rooms(Event::Opens(Some(opening))));
        let joining = opening.joiners(&stage.cast, &mut chance);
        for some in joining.chunks(AT_ONCE) {
            let at = at.plus(TimeDelta::minutes(chance.among(60..=9 * 24 * 60).into()));
            stage.timeline.add(at, talk::Event::Rooms(Event::IsJoined(opening, some.to_vec())));
        }
    }
}

/// Has it happen.
pub(super) async fn happen(stage: &mut Stage, event: Event) -> Result<(), Fault> {
    match event {
        Event::Opens(None) => find_club(stage).await,
        Event::Opens(Some(opening)) => open(stage, opening).await,
        Event::IsJoined(opening, by) => join(stage, opening, by).await,
    }
}

/// The club's room is there from the start. Those who read may answer there.
async fn find_club(stage: &mut Stage) -> Result<(), Fault> {
    let (can, can_read) = (stage.can::<Chat>(KATHARINA)?, stage.can::<ReadRooms>(KATHARINA)?);
    let page = PageRequest::read("rooms", Some(1), None)?;
    let mine = stage.read(move |conn| rooms::mine(conn, &can_read, &page)).await?;
    let id = mine.first().ok_or_else(Fault::not_found)?.id;
    let patch = RoomPatch { replies_allowed: Some(true), ..RoomPatch::default() };
    stage.write(move |tx| rooms::change(tx, &can, id, &Expected::Any, &patch).map(drop)).await?;
    stage.rooms.by_word.insert("club", Room { id, host: KATHARINA, is_club: true });
    Ok(())
}

async fn open(stage: &mut Stage, opening: &'static Opening) -> Result<(), Fault> {
    let can = stage.can::<Chat>(opening.by)?;
    let others = opening.with.iter().map(|who| stage.id(*who)).collect::<Result<Vec<_>, _>>()?;
    let new = NewRoom {
        kind: opening.kind,
        room_name: opening.name.map(str::to_owned),
        replies_allowed: opening.replies.then_some(true),
        user_ids: (!others.is_empty()).then_some(others),
    };
    let id = stage.write(move |tx| rooms::open(tx, &can, &new)).await?.id;
    stage.rooms.by_word.insert(opening.word, Room { id, host: opening.by, is_club: false });
    Ok(())
}

async fn join(stage: &Stage, opening: &'static Opening, by: Vec<Who>) -> Result<(), Fault> {
    let Some(room) = stage.rooms.by_word.get(opening.word).copied() else { return Ok(()) };
    let active = by.into_iter().filter(|who| stage.cast[*who].is_active);
    let all = active.map(|who| stage.can::<Chat>(who)).collect::<Result<Vec<_>, _>>()?;
    stage
        .write(move |tx| {
            for can in &all {
                rooms::join(tx, can, room.id)?;
            }
            Ok(())
        })
        .await
}

/// The room of a part of the talk: one that was opened, or that of a course.
pub(super) fn of(stage: &Stage, word: &str) -> Option<Room> {
    let course = || {
        let course = Course::all().find(|course| course.taught().word == word)?;
        let id = stage.timetable.room(course)?;
        Some(Room { id, host: course.taught().coach, is_club: false })
    };
    stage.rooms.by_word.get(word).copied().or_else(course)
}

/// Those in a room who can say something there.
pub(super) async fn present(stage: &Stage, room: Room) -> Result<Vec<Who>, Fault> {
    if room.is_club {
        return Ok(stage.cast.those(|it| it.speaks()));
    }
    let can = stage.can::<ReadRooms>(room.host)?;
    let page = PageRequest::read("room-members", Some(100), None)?;
    let members = stage.read(move |conn| rooms::members(conn, &can, room.id, &page)).await?;
    let known = members.iter().filter_map(|member| stage.cast.by_id(member.user_id));
    Ok(known.filter(|who| stage.cast[*who].speaks()).collect())
}
