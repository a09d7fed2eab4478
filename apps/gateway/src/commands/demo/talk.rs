//! What people say to each other. The words are in `talk.txt`; here they are given to people, rooms and times.

mod script;

use chrono::{Days as Count, TimeDelta};
use muster_auth::permissions::Chat;
use muster_chat::messages::{self, NewMessage};
use muster_chat::{Message, MessageId};
use muster_kernel::fault::Fault;
use muster_kernel::{Timestamp, UserId};

use self::script::{Line, Part, Speaker, Thread};
use super::cast::Who;
use super::chance::Chance;
use super::rooms::{self, Room};
use super::stage::Stage;

/// So many minutes ago the last thread of each room ended, in the order of the script: the club is awake.
const LATEST: [u32; 8] = [3, 8, 21, 47, 95, 170, 320, 640];

/// What happens in the talk.
#[derive(Debug)]
pub(super) enum Event {
    /// Something happens to a room.
    Rooms(rooms::Event),
    /// Some begin to talk.
    Begins(&'static str, Thread),
    /// One of them goes on, with what was said so far.
    GoesOn(Conversation),
    /// Some react to what was said, and a moderator may keep it in sight.
    IsHeard(Heard),
}

/// People who talk.
#[derive(Debug)]
pub(super) struct Conversation {
    room: Room,
    thread: Thread,
    present: Vec<Who>,
    /// Who has which part of those without a name.
    parts: Vec<(char, Who)>,
    said: Vec<MessageId>,
}

/// Something that was said, and what others make of it.
#[derive(Debug)]
pub(super) struct Heard {
    message: MessageId,
    reactions: Vec<(&'static str, Who)>,
    pinned_by: Option<Who>,
}

/// Says when people talk: the threads of each room over all the weeks, and the last of them just now.
pub(super) fn plan(stage: &mut Stage) {
    rooms::plan(stage);
    let days = stage.days;
    let begin = days.first() + Count::new(6);
    let span = u32::try_from((days.today - begin).num_days()).unwrap_or_default();
    for (place, Part { word, threads }) in script::parts().into_iter().enumerate() {
        let mut chance = Chance::of(word);
        let count = u32::try_from(threads.len()).unwrap_or(1);
        for (number, thread) in (1..).zip(threads) {
            let at = if number == count {
                let ended =
                    LATEST[place % LATEST.len()] + 1440 * u32::try_from(place / LATEST.len()).unwrap_or(0);
                days.minutes_ago(ended + thread.minutes())
            } else {
                let day = begin + Count::new((span * number / count - chance.among(0..=3)).into());
                days.at(day, chance.among(8..=21), chance.among(0..=59))
            };
            stage.timeline.add(at, Event::Begins(word, thread));
        }
    }
}

/// Has it happen.
pub(super) async fn happen(stage: &mut Stage, event: Event) -> Result<(), Fault> {
    match event {
        Event::Rooms(event) => rooms::happen(stage, event).await,
        Event::Begins(word, thread) => begin(stage, word, thread).await,
        Event::GoesOn(talk) => go_on(stage, talk).await,
        Event::IsHeard(heard) => hear(stage, heard).await,
    }
}

async fn begin(stage: &mut Stage, word: &'static str, thread: Thread) -> Result<(), Fault> {
    let Some(room) = rooms::of(stage, word) else { return Ok(()) };
    let present = rooms::present(stage, room).await?;
    let mut chance = Chance::of(&format!("{word}: {}", thread.opening()));
    let named: Vec<Who> = thread.lines.iter().filter_map(|line| line.speaker.named()).collect();
    let free: Vec<Who> =
        present.iter().copied().filter(|who| !named.contains(who) && *who != room.host).collect();
    let parts: Vec<char> = thread.parts();
    // Where too few are there to talk, nobody does.
    if free.len() < parts.len() || named.iter().any(|who| !present.contains(who)) {
        return Ok(());
    }
    let parts = parts.iter().copied().zip(chance.some(parts.len(), &free)).collect();
    go_on(stage, Conversation { room, thread, present, parts, said: Vec::new() }).await
}

async fn go_on(stage: &mut Stage, mut talk: Conversation) -> Result<(), Fault> {
    let Some(line) = talk.thread.lines.get(talk.said.len()).cloned() else { return Ok(()) };
    let who = talk.speaker(line.speaker);
    let message = say(stage, &talk, who, &line).await?;
    stage.rooms.own.insert((who, talk.room.id), message.seq);
    talk.said.push(message.id);
    let now = stage.db.clock().now();
    if let Some(heard) = talk.heard(&line, message.id, who) {
        stage.timeline.add(now.plus(TimeDelta::seconds(80)), Event::IsHeard(heard));
    }
    if let Some(next) = talk.thread.lines.get(talk.said.len()) {
        let next: Timestamp = now.plus(TimeDelta::minutes(next.after.into()));
        stage.timeline.add(next, Event::GoesOn(talk));
    }
    Ok(())
}

async fn say(stage: &Stage, talk: &Conversation, who: Who, line: &Line) -> Result<Message, Fault> {
    let mut content = line.words.to_owned();
    for (mark, speaker) in line.mentions() {
        let id: UserId = stage.id(talk.speaker(speaker))?;
        content = content.replace(&mark, &format!("<@{id}>"));
    }
    let new = NewMessage {
        room_id: talk.room.id,
        content,
        title: line.title.map(str::to_owned),
        reply_to: if line.answers { talk.said.first().copied() } else { None },
        client_id: None,
    };
    let can = stage.can::<Chat>(who)?;
    Ok(stage.write(move |tx| messages::send(tx, &can, &new)).await?.message)
}

async fn hear(stage: &Stage, heard: Heard) -> Result<(), Fault> {
    let Heard { message, reactions, pinned_by } = heard;
    let mut all = Vec::new();
    for (emoji, who) in reactions.into_iter().filter(|(_, who)| stage.cast[*who].is_active) {
        all.push((stage.can::<Chat>(who)?, emoji));
    }
    let moderator = pinned_by.map(|who| stage.can::<Chat>(who)).transpose()?;
    stage
        .write(move |tx| {
            for (can, emoji) in &all {
                messages::react(tx, can, message, emoji, true)?;
            }
            if let Some(can) = &moderator {
                messages::pin(tx, can, message, true)?;
            }
            Ok(())
        })
        .await
}

impl Conversation {
    fn speaker(&self, speaker: Speaker) -> Who {
        match speaker {
            Speaker::Named(who) => who,
            Speaker::Host => self.room.host,
            Speaker::Somebody(part) => {
                let found = self.parts.iter().find(|(its, _)| *its == part);
                found.map_or(self.room.host, |(_, who)| *who)
            }
        }
    }

    /// What others make of something that somebody said.
    fn heard(&self, line: &Line, message: MessageId, by: Who) -> Option<Heard> {
        let others: Vec<Who> = self.present.iter().copied().filter(|who| *who != by).collect();
        let mut chance = Chance::of(line.words);
        let mut reactions = Vec::new();
        for (emoji, count) in &line.reactions {
            reactions.extend(chance.some(*count, &others).into_iter().map(|who| (*emoji, who)));
        }
        let pinned_by = line.pinned.then_some(self.room.host);
        (!reactions.is_empty() || pinned_by.is_some()).then_some(Heard { message, reactions, pinned_by })
    }
}
