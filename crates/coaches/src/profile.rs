//! Coaches as the club sees them: what they are called, what they say of themselves, how much they taught.

mod queries;

use muster_auth::permissions::{EditCoaches, MakeCoaches, ReadCoaches};
use muster_auth::{Can, club, people};
use muster_finance::Month;
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{Conn, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::page::PageRequest;
use muster_kernel::patch::present;
use muster_kernel::sql::Json;
use muster_kernel::{Expected, Fields, Minor, Timestamp, UserId};
use serde::Deserialize;

pub(crate) use queries::{after, find, forget, take_name};

use crate::availability::may_edit;
use crate::{planning, purse};

/// What a change of a coach stands under in the audit log.
const OBJECT: &str = "coach";
/// Specialities that a coach has at most.
const MOST_SPECIALITIES: usize = 20;

/// A coach.
#[derive(Debug, Clone, PartialEq, Eq, diesel::Queryable)]
pub struct Coach {
    /// The id of the user.
    pub id: UserId,
    /// Goes up with every change of the profile.
    pub version: i64,
    /// Somebody has filled the profile in.
    pub has_profile: bool,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// What they are called where coaches are shown, if not by their name.
    pub public_name: Option<String>,
    /// What they say of themselves.
    pub bio: Option<String>,
    /// What they are good at.
    pub specialities: Json<Vec<String>>,
    /// What the club owes them.
    pub payment_balance: Minor,
    /// The last payout that was not taken back.
    pub last_payment_balance: Minor,
    /// How many classes they ever taught.
    pub classes_taught_total: i32,
    /// By what they are sorted.
    pub(crate) name_key: String,
}

/// A coach, and how many classes they taught this month.
pub type Seen = (Coach, i64);

/// A place in the list: by what it is sorted, and the id.
pub type Place = (String, i64);

/// A profile to be filled in.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct NewCoach {
    /// Whose: somebody with the role.
    pub user_id: UserId,
    /// What they are called where coaches are shown, if not by their name.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 80))]
    pub public_name: Option<String>,
    /// What they say of themselves.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 4000))]
    pub bio: Option<String>,
    /// What they are good at; 20 at most, of 1 to 60 characters.
    #[cfg_attr(feature = "http", schema(max_items = 20, example = json!(["Judo", "Children"])))]
    pub specialities: Option<Vec<String>>,
}

/// What is to change; what is absent stays, and null takes away.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct CoachPatch {
    /// What they are called where coaches are shown, if not by their name.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 80))]
    pub public_name: Option<Option<String>>,
    /// What they say of themselves.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 4000))]
    pub bio: Option<Option<String>>,
    /// What they are good at; 20 at most, of 1 to 60 characters.
    #[cfg_attr(feature = "http", schema(max_items = 20))]
    pub specialities: Option<Vec<String>>,
}

/// Fills in the profile of somebody with the role.
///
/// # Errors
/// When a field is wrong, they have not the role, or it was filled in before.
pub fn create(tx: &mut Tx<'_>, can: &Can<MakeCoaches>, new: &NewCoach) -> Result<Coach, Fault> {
    let id = new.user_id;
    if planning::is_active(tx, id)?.is_none() {
        let detail = "There is no coach of this id; give somebody the role first.";
        return Err(Fault::field("/user_id", "not_a_coach", detail));
    }
    people::hold(tx, id)?;
    purse::enter(tx, id, true)?;
    let before = find(tx, id)?.ok_or_else(Fault::not_found)?;
    if before.has_profile {
        return Err(Fault::new(Code::AlreadyExists, "This coach has a profile; change that one."));
    }
    let patch = CoachPatch {
        public_name: new.public_name.clone().map(Some),
        bio: new.bio.clone().map(Some),
        specialities: new.specialities.clone(),
    };
    let after = Coach { has_profile: true, ..patch.applied_to(&before)? };
    write(tx, after, "coach.made", can.origin())
}

/// Changes a profile; a change that changes nothing leaves no trace.
///
/// # Errors
/// When there is no such coach, it is another's, a field is wrong, or it is not as the caller saw it.
pub fn edit(
    tx: &mut Tx<'_>,
    can: &Can<EditCoaches>,
    id: UserId,
    expected: &Expected,
    patch: &CoachPatch,
) -> Result<Coach, Fault> {
    may_edit(tx, can, id)?;
    people::hold(tx, id)?;
    purse::lock(tx, id)?.ok_or_else(Fault::not_found)?;
    let before = find(tx, id)?.ok_or_else(Fault::not_found)?;
    expected.allows(before.version)?;
    let after = patch.applied_to(&before)?;
    if after == before {
        return Ok(before);
    }
    write(tx, Coach { has_profile: true, ..after }, "coach.changed", can.origin())
}

fn write(tx: &mut Tx<'_>, coach: Coach, action: &str, origin: &audit::Origin) -> Result<Coach, Fault> {
    queries::update(tx, &coach)?;
    take_name(tx, coach.id)?;
    audit::append(tx, origin, Event { action, object_type: OBJECT, object_id: coach.id.0, reason: None })?;
    Ok(Coach { version: coach.version + 1, ..coach })
}

/// A coach, and how many classes they taught this month.
///
/// # Errors
/// When there is no such coach.
pub fn read(conn: &mut Conn, _: &Can<ReadCoaches>, id: UserId, now: Timestamp) -> Result<Seen, Fault> {
    let coach = find(conn, id)?.ok_or_else(Fault::not_found)?;
    Ok(with_month(conn, coach, now)?)
}

/// The same of one that was just changed.
///
/// # Errors
/// When the database fails.
pub fn with_month(conn: &mut Conn, coach: Coach, now: Timestamp) -> DbResult<Seen> {
    let month = this_month(conn, now)?;
    let taught = queries::taught(conn, &[coach.id], month)?;
    Ok((coach, taught.first().map_or(0, |(_, taught)| *taught)))
}

/// The coaches of the club by name: those with the role, and those to whom something is owed.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    _: &Can<ReadCoaches>,
    page: &PageRequest<Place>,
    now: Timestamp,
) -> DbResult<Vec<Seen>> {
    let coaches = queries::list(conn, page)?;
    let ids: Vec<UserId> = coaches.iter().map(|coach| coach.id).collect();
    let month = this_month(conn, now)?;
    let taught = queries::taught(conn, &ids, month)?;
    let of = |id| taught.iter().find(|(coach, _)| *coach == id).map_or(0, |(_, taught)| *taught);
    Ok(coaches
        .into_iter()
        .map(|coach| (of(coach.id), coach))
        .map(|(taught, coach)| (coach, taught))
        .collect())
}

/// How many there are in all.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, _: &Can<ReadCoaches>) -> DbResult<i64> {
    queries::count(conn)
}

fn this_month(conn: &mut Conn, now: Timestamp) -> DbResult<Month> {
    Ok(Month::of(club::settings(conn)?.today(now)))
}

impl Coach {
    /// Its place in the list.
    pub fn place(&self) -> Place {
        (self.name_key.clone(), self.id.0)
    }
}

impl CoachPatch {
    fn applied_to(&self, before: &Coach) -> Result<Coach, Fault> {
        let mut after = before.clone();
        let mut fields = Fields::new();
        if let Some(name) = &self.public_name {
            if let Some(name) = name {
                fields.text("/public_name", name, 1..=80);
            }
            after.public_name.clone_from(name);
        }
        if let Some(bio) = &self.bio {
            if let Some(bio) = bio {
                fields.lines("/bio", bio, 1..=4000);
            }
            after.bio.clone_from(bio);
        }
        if let Some(specialities) = &self.specialities {
            let few = specialities.len() <= MOST_SPECIALITIES;
            fields.must(few, "/specialities", "too_long", "20 specialities at most.");
            for (n, speciality) in specialities.iter().take(MOST_SPECIALITIES).enumerate() {
                let pointer = format!("/specialities/{n}");
                fields.text(&pointer, speciality, 1..=60);
                let first = !specialities.iter().take(n).any(|other| other == speciality);
                fields.must(first, &pointer, "twice", "This is there already.");
            }
            after.specialities = Json(specialities.clone());
        }
        fields.done()?;
        Ok(after)
    }
}
