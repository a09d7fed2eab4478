//! The club itself: its name, its one currency, its time zone, and the policies that the other domains read.

mod policies;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_kernel::audit::{self, Event};
use muster_kernel::csv::Decimals;
use muster_kernel::db::{Conn, DbError, DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::sql::{Json, Locked};
use muster_kernel::{Expected, Fields, Timestamp};
use serde::{Deserialize, Serialize};

pub use policies::{AttendanceDiscount, Policies, PoliciesPatch, Unmarked};

use crate::Can;
use crate::permissions::{EditClub, ReadClub};
use crate::schema::club;

/// There is one club in a database, and this is its id.
const CLUB: i64 = 1;

/// The club's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "http", schema(as = Club))]
pub struct Club {
    /// Always the same.
    pub id: i64,
    /// Goes up with every change.
    pub version: i64,
    /// The name.
    #[cfg_attr(feature = "http", schema(example = "SV Example"))]
    pub name: String,
    /// The currency of every amount, as ISO 4217 has it.
    #[cfg_attr(feature = "http", schema(example = "EUR"))]
    pub currency: String,
    /// How many decimals it has: an amount of 1250 is 12.50 with two of them.
    #[cfg_attr(feature = "http", schema(example = 2))]
    pub currency_decimals: usize,
    /// The IANA time zone: "today" and months are here.
    #[cfg_attr(feature = "http", schema(example = "Europe/Berlin"))]
    pub time_zone: String,
    /// The rules that a club can set for itself.
    pub policies: Policies,
}

/// What is to change; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct ClubPatch {
    /// The name, 1 to 80 characters.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 80))]
    pub name: Option<String>,
    /// The currency, three letters as ISO 4217 has it.
    #[cfg_attr(feature = "http", schema(pattern = "^[A-Z]{3}$", example = "EUR"))]
    pub currency: Option<String>,
    /// The IANA time zone.
    #[cfg_attr(feature = "http", schema(example = "Europe/Berlin", max_length = 64))]
    pub time_zone: Option<String>,
    /// The policies to change.
    pub policies: Option<PoliciesPatch>,
}

/// Why the club's settings could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ClubError {
    /// Fields are wrong, or somebody changed the settings meanwhile.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<ClubError> for Fault {
    fn from(error: ClubError) -> Fault {
        match error {
            ClubError::Fault(fault) => fault,
            ClubError::Db(e) => e.into(),
        }
    }
}

type Row = (i64, i64, String, String, String, Json<Policies>);

const COLUMNS: (club::id, club::version, club::name, club::currency, club::time_zone, club::policies) =
    (club::id, club::version, club::name, club::currency, club::time_zone, club::policies);

fn shown((id, version, name, currency, time_zone, Json(policies)): Row) -> Club {
    let currency_decimals = Decimals::of(&currency).number();
    Club { id, version, name, currency, currency_decimals, time_zone, policies }
}

/// The settings, for those who may see them.
///
/// # Errors
/// When the database fails.
pub fn read(conn: &mut Conn, _: &Can<ReadClub>) -> DbResult<Club> {
    settings(conn)
}

/// The settings, for the rules of a domain.
///
/// # Errors
/// When the database fails.
pub fn settings(conn: &mut Conn) -> DbResult<Club> {
    Ok(shown(club::table.find(CLUB).select(COLUMNS).get_result::<Row>(conn)?))
}

/// Lets nobody else past this point until the transaction ends: for what must not be decided twice at once.
pub(crate) fn lock(tx: &mut Tx<'_>) -> DbResult<()> {
    Locked(club::table.find(CLUB).select(club::id)).get_result::<i64>(&mut **tx)?;
    Ok(())
}

/// Changes the settings; a change that changes nothing leaves no trace.
///
/// # Errors
/// When fields are wrong, or the settings are not those that the caller saw.
pub fn change(
    tx: &mut Tx<'_>,
    can: &Can<EditClub>,
    expected: &Expected,
    patch: &ClubPatch,
) -> Result<Club, ClubError> {
    let before = shown(
        Locked(club::table.find(CLUB).select(COLUMNS)).get_result::<Row>(&mut **tx).map_err(DbError::from)?,
    );
    expected.allows(before.version)?;
    let after = patch.applied_to(&before)?;
    if after == before {
        return Ok(before);
    }
    let row: Row = diesel::update(club::table.find(CLUB))
        .set((
            club::name.eq(&after.name),
            club::currency.eq(&after.currency),
            club::time_zone.eq(&after.time_zone),
            club::policies.eq(Json(after.policies.clone())),
            club::version.eq(club::version + 1),
        ))
        .returning(COLUMNS)
        .get_result(&mut **tx)
        .map_err(|e| currency_is_fixed(e.into()))?;
    let event = Event { action: "club.changed", object_type: "club", object_id: CLUB, reason: None };
    audit::append(tx, can.origin(), event)?;
    Ok(shown(row))
}

/// What the database refuses to change is the currency, once there are amounts in it.
fn currency_is_fixed(error: DbError) -> ClubError {
    if error.is_refused() {
        let detail = "The currency stays as it is: the books have entries in it.";
        return Fault::new(Code::InvalidState, detail).into();
    }
    error.into()
}

impl Club {
    /// The day that it is in the club's time zone.
    pub fn today(&self, now: Timestamp) -> chrono::NaiveDate {
        // A zone that is unknown fails `check`; until it is mended UTC is near enough.
        let zone = self.time_zone.parse().unwrap_or(chrono_tz::UTC);
        now.utc().with_timezone(&zone).date_naive()
    }
}

impl ClubPatch {
    fn applied_to(&self, before: &Club) -> Result<Club, Fault> {
        let mut after = before.clone();
        let mut fields = Fields::new();
        if let Some(name) = &self.name {
            fields.text("/name", name, 1..=80);
            after.name.clone_from(name);
        }
        if let Some(currency) = &self.currency {
            let fine = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
            fields.must(fine, "/currency", "invalid", "Three capital letters, for example EUR.");
            after.currency.clone_from(currency);
            after.currency_decimals = Decimals::of(currency).number();
        }
        if let Some(zone) = &self.time_zone {
            let fine = zone.parse::<chrono_tz::Tz>().is_ok();
            fields.must(fine, "/time_zone", "invalid", "An IANA time zone, for example Europe/Berlin.");
            after.time_zone.clone_from(zone);
        }
        if let Some(policies) = &self.policies {
            policies.apply(&mut after.policies, &mut fields);
        }
        fields.done()?;
        Ok(after)
    }
}
