//! How people come to the club, move in it, and go.

use chrono::{Days as Count, TimeDelta};
use muster_auth::club::{self, AttendanceDiscount, ClubPatch, PoliciesPatch};
use muster_auth::guardians::Dependant;
use muster_auth::permissions::{
    AddDependants, ApproveMembers, EditClub, EditGuardians, EditMembers, GiveRoles, LeaveClub, SuspendMembers,
};
use muster_auth::{Beginning, Email, Prepared, Roles};
use muster_kernel::fault::Fault;
use muster_kernel::{Expected, Minor, Timestamp, UserId};
use muster_members::{MemberPatch, MoveRequest};

use super::cast::{DIRK, Fate, JONAS, KATHARINA, TOMASZ, Who};
use super::chance::Chance;
use super::days::ZONE;
use super::names::STREETS;
use super::stage::Stage;
use super::{dues, payments};

/// What happens to a person.
#[derive(Debug)]
pub(super) enum Event {
    /// They come, and are a member.
    Comes(Who),
    /// They apply.
    Applies(Who),
    /// They are taken in.
    IsTakenIn(Who),
    /// They are turned down.
    IsTurnedDown(Who),
    /// They are given what they are to be.
    GetsRoles(Who),
    /// They may not book for now.
    IsSuspended(Who),
    /// They may again.
    IsReinstated(Who),
    /// They leave.
    Leaves(Who),
    /// The club sets its rules for the term.
    SetsRules,
}

/// Says when people come, and what becomes of them.
pub(super) fn plan(stage: &mut Stage) {
    let days = stage.days;
    let mut chance = Chance::of("coming and going");
    for who in stage.cast.everybody() {
        let it = &stage.cast[who];
        let (comes, fate, to_be) = (it.comes, it.fate, it.to_be);
        // The admin first; children after those who act for them.
        let at = match who {
            KATHARINA => days.at(comes, 8, 0),
            _ if !it.guardians.is_empty() => days.at(comes, 19, chance.among(0..=59)),
            _ => days.at(comes, chance.among(9..=18), chance.among(0..=59)),
        };
        match fate {
            Fate::New | Fate::Pending | Fate::Rejected => stage.timeline.add(at, Event::Applies(who)),
            _ => stage.timeline.add(at, Event::Comes(who)),
        }
        if to_be != Roles::MEMBER && who != KATHARINA {
            stage.timeline.add(at.plus(TimeDelta::hours(1)), Event::GetsRoles(who));
        }
        goes_on(stage, who, fate, at, &mut chance);
    }
    stage.timeline.add(days.at(days.first() - Count::new(9), 9, 30), Event::SetsRules);
}

/// Says what becomes of somebody who came then.
fn goes_on(stage: &mut Stage, who: Who, fate: Fate, came: Timestamp, chance: &mut Chance) {
    let days = stage.days;
    let soon = came.plus(TimeDelta::hours(chance.among(4..=60).into()));
    let day = chance.among(1..=28);
    let on = |month, day, hour| days.at(days.of_month(month, day), hour, 20);
    match fate {
        Fate::Old | Fate::Pending => {}
        Fate::New => stage.timeline.add(soon, Event::IsTakenIn(who)),
        Fate::Rejected => stage.timeline.add(soon, Event::IsTurnedDown(who)),
        Fate::Suspended => stage.timeline.add(on(3, day, 11), Event::IsSuspended(who)),
        Fate::Reinstated => {
            stage.timeline.add(on(1, 4, 11), Event::IsSuspended(who));
            stage.timeline.add(on(1, 26, 17), Event::IsReinstated(who));
        }
        Fate::Left => {
            // The treasurer gives up on what he owes before the months end.
            let month = if who == DIRK { 1 } else { chance.among(1..=3) };
            stage.timeline.add(on(month, 10 + day / 4, 12), Event::Leaves(who));
        }
    }
}

/// Has it happen.
pub(super) async fn happen(stage: &mut Stage, event: Event) -> Result<(), Fault> {
    match event {
        Event::Comes(who) => {
            come(stage, who, Beginning::Active).await?;
            stage.cast[who].is_active = true;
            if who == KATHARINA {
                stage.cast[who].roles = stage.cast[who].to_be;
                found(stage).await?;
            }
            Ok(())
        }
        Event::Applies(who) => come(stage, who, Beginning::Pending).await,
        Event::IsTakenIn(who) => take_in(stage, who).await,
        Event::IsTurnedDown(who) => turn_down(stage, who).await,
        Event::GetsRoles(who) => give_roles(stage, who).await,
        Event::IsSuspended(who) => suspend(stage, who).await,
        Event::IsReinstated(who) => reinstate(stage, who).await,
        Event::Leaves(who) => leave(stage, who).await,
        Event::SetsRules => set_rules(stage).await,
    }
}

/// What the club is called until all of it is there.
pub(super) const UNFINISHED: &str = "A demo that is not finished";
/// What it is called then.
const NAME: &str = "SV Auental";

async fn found(stage: &Stage) -> Result<(), Fault> {
    let patch = ClubPatch {
        name: Some(UNFINISHED.into()),
        time_zone: Some(ZONE.name().into()),
        ..ClubPatch::default()
    };
    change(stage, patch).await
}

/// Says that all of it is there.
pub(super) async fn finish(stage: &Stage) -> Result<(), Fault> {
    change(stage, ClubPatch { name: Some(NAME.into()), ..ClubPatch::default() }).await
}

/// Whoever comes often pays less. The rest of the rules stays as it is.
async fn set_rules(stage: &Stage) -> Result<(), Fault> {
    let often = AttendanceDiscount { top: None, from: Some(6), discount: Minor(300), surcharge: Minor::ZERO };
    let policies = PoliciesPatch { attendance_discount: Some(Some(often)), ..PoliciesPatch::default() };
    change(stage, ClubPatch { policies: Some(policies), ..ClubPatch::default() }).await
}

async fn change(stage: &Stage, patch: ClubPatch) -> Result<(), Fault> {
    let can = stage.can::<EditClub>(KATHARINA)?;
    stage.write(move |tx| Ok(club::change(tx, &can, &Expected::Any, &patch).map(drop)?)).await
}

/// Somebody comes: by themselves, or brought by somebody who acts for them.
async fn come(stage: &mut Stage, who: Who, beginning: Beginning) -> Result<(), Fault> {
    let id = match &stage.cast[who].email {
        Some(email) => sign_up(stage, who, email, beginning).await?,
        None => bring_along(stage, who, beginning).await?,
    };
    stage.cast[who].id = Some(id);
    if who != KATHARINA {
        tell_contact(stage, who, id).await?;
    }
    Ok(())
}

async fn sign_up(stage: &Stage, who: Who, email: &str, beginning: Beginning) -> Result<UserId, Fault> {
    let it = &stage.cast[who];
    let email = Email::parse(email).map_err(Fault::internal)?;
    let (first, last, born, password) = (it.first, it.last, it.born, stage.password.clone());
    // There is nobody yet who could give them to the first.
    let roles = if who == KATHARINA { it.to_be } else { Roles::MEMBER };
    let guardians = ids(stage, &it.guardians)?;
    let can = match guardians.is_empty() {
        true => None,
        false => Some(stage.can::<EditGuardians>(KATHARINA)?),
    };
    let accounts = stage.accounts.clone();
    stage
        .write(move |tx| {
            let person = Prepared {
                first_name: first,
                last_name: last,
                email: &email,
                date_of_birth: Some(born),
                password: &password,
                roles,
                beginning,
            };
            let id = accounts.create_prepared(tx, &person)?;
            if let Some(can) = &can {
                accounts.set_guardians(tx, can, id, &guardians)?;
            }
            Ok(id)
        })
        .await
}

/// A child without an address: the guardian applies for them, or the staff make them a member at once.
async fn bring_along(stage: &Stage, who: Who, beginning: Beginning) -> Result<UserId, Fault> {
    let it = &stage.cast[who];
    let (first, last, born) = (it.first.to_owned(), it.last.to_owned(), it.born);
    let guardians = ids(stage, &it.guardians)?;
    let guardian = *guardians.first().ok_or_else(Fault::not_found)?;
    let by = if beginning == Beginning::Pending { stage.cast.acts_for(who) } else { KATHARINA };
    let can = stage.can::<AddDependants>(by)?;
    let can_edit = stage.can::<EditGuardians>(KATHARINA)?;
    let accounts = stage.accounts.clone();
    stage
        .write(move |tx| {
            let dependant =
                Dependant { first_name: first.clone(), last_name: last.clone(), date_of_birth: Some(born) };
            let id = accounts.add_dependant(tx, &can, guardian, &dependant)?;
            accounts.set_guardians(tx, &can_edit, id, &guardians)?;
            Ok(id)
        })
        .await
}

fn ids(stage: &Stage, these: &[Who]) -> Result<Vec<UserId>, Fault> {
    these.iter().map(|who| stage.id(*who)).collect()
}

/// Most people tell how they can be reached. Their numbers are of those that nobody has, kept for films and plays.
async fn tell_contact(stage: &Stage, who: Who, id: UserId) -> Result<(), Fault> {
    let it = &stage.cast[who];
    let mut chance = Chance::of(&format!("how to reach {} {}", it.first, it.last));
    if chance.percent(25) {
        return Ok(());
    }
    let phone = format!("030 23125 {:03}", chance.among(100..=999));
    // A family lives together.
    let mut home = Chance::of(&format!("home of {}", it.last));
    let address = format!("{} {}\n12345 Auental", home.pick(STREETS), home.among(1..=48));
    let in_need = it.guardians.first().map(|guardian| {
        let guardian = &stage.cast[*guardian];
        format!("{} {}, {phone}", guardian.first, guardian.last)
    });
    let patch = MemberPatch {
        phone: in_need.is_none().then_some(Some(phone)),
        address: Some(Some(address)),
        emergency_contact: in_need.map(Some),
        ..MemberPatch::default()
    };
    let can = stage.can::<EditMembers>(KATHARINA)?;
    stage.write(move |tx| muster_members::edit(tx, &can, id, &Expected::Any, &patch).map(drop)).await
}

async fn give_roles(stage: &mut Stage, who: Who) -> Result<(), Fault> {
    let (can, id, roles) = (stage.can::<GiveRoles>(KATHARINA)?, stage.id(who)?, stage.cast[who].to_be);
    let accounts = stage.accounts.clone();
    stage.write(move |tx| accounts.give_roles(tx, &can, id, &Expected::Any, roles).map(drop)).await?;
    stage.cast[who].roles = roles;
    Ok(())
}

fn request(member: UserId, reason: Option<&str>) -> MoveRequest {
    MoveRequest { member, expected: Expected::Any, reason: reason.map(str::to_owned) }
}

async fn take_in(stage: &mut Stage, who: Who) -> Result<(), Fault> {
    let by = if stage.cast[who].guardians.is_empty() { KATHARINA } else { TOMASZ };
    let (can, members) = (stage.can::<ApproveMembers>(by)?, stage.members.clone());
    let request = request(stage.id(who)?, None);
    stage.write(move |tx| members.approve(tx, &can, &request).map(drop)).await?;
    stage.cast[who].is_active = true;
    dues::put_on_plans(stage, &[who]).await
}

async fn turn_down(stage: &Stage, who: Who) -> Result<(), Fault> {
    let (can, members) = (stage.can::<ApproveMembers>(KATHARINA)?, stage.members.clone());
    let request = request(stage.id(who)?, Some("Wanted to rent the hall; the town does that."));
    stage.write(move |tx| members.reject(tx, &can, &request).map(drop)).await
}

async fn suspend(stage: &mut Stage, who: Who) -> Result<(), Fault> {
    let (can, members) = (stage.can::<SuspendMembers>(JONAS)?, stage.members.clone());
    let request = request(stage.id(who)?, Some("Abroad for some months, as they wrote; dues rest."));
    stage.cast[who].is_active = false;
    stage.write(move |tx| members.suspend(tx, &can, &request).map(drop)).await
}

async fn reinstate(stage: &mut Stage, who: Who) -> Result<(), Fault> {
    let (can, members) = (stage.can::<SuspendMembers>(KATHARINA)?, stage.members.clone());
    let request = request(stage.id(who)?, Some("Back earlier than planned."));
    stage.write(move |tx| members.reinstate(tx, &can, &request).map(drop)).await?;
    stage.cast[who].is_active = true;
    Ok(())
}

async fn leave(stage: &mut Stage, who: Who) -> Result<(), Fault> {
    let (can, members) = (stage.can::<LeaveClub>(who)?, stage.members.clone());
    let request = request(stage.id(who)?, Some("Moving to another town."));
    stage.cast[who].is_active = false;
    stage.write(move |tx| members.leave(tx, &can, &request).map(drop)).await?;
    let at: Timestamp = stage.db.clock().now().plus(TimeDelta::days(40));
    stage.timeline.add(at, payments::Event::LetsOff(who));
    Ok(())
}
