//! How members can be reached, and what the club's staff noted of them.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use muster_auth::permissions::{EditMembers, EditNotes};
use muster_auth::{Can, people};
use muster_kernel::audit::{self, Event};
use muster_kernel::db::{DbResult, Tx};
use muster_kernel::fault::{Code, Fault};
use muster_kernel::patch::present;
use muster_kernel::{Expected, Fields, UserId};
use serde::Deserialize;

use crate::record::OBJECT;
use crate::schema::members;
use crate::{Member, queries, record};

/// What is to change; what is absent stays, and null takes away.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct MemberPatch {
    /// The telephone.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 40))]
    pub phone: Option<Option<String>>,
    /// Where they live.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 500))]
    pub address: Option<Option<String>>,
    /// Whom to call when something happened.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 500))]
    pub emergency_contact: Option<Option<String>>,
    /// What the staff notes; only treasurers and admins.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 4000))]
    pub notes: Option<Option<String>>,
    /// What another program knows them by; only treasurers and admins.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 64))]
    pub external_id: Option<Option<String>>,
}

/// Changes what is known of a member; a change that changes nothing leaves no trace.
///
/// # Errors
/// When fields are wrong, the member is nobody whom the caller acts for, or not as the caller saw them.
pub fn edit(
    tx: &mut Tx<'_>,
    can: &Can<EditMembers>,
    id: UserId,
    expected: &Expected,
    patch: &MemberPatch,
) -> Result<Member, Fault> {
    let now = tx.now();
    people::must_be_within(
        tx,
        can,
        id,
        now,
        "Only they, their guardians, treasurers and admins change this.",
    )?;
    if patch.notes.is_some() || patch.external_id.is_some() {
        can.actor().can::<EditNotes>()?;
    }
    people::hold(tx, id)?;
    let (_, version) = queries::lock(tx, id)?.ok_or_else(Fault::not_found)?;
    expected.allows(version)?;
    let before = record::one(tx, id)?.ok_or_else(Fault::not_found)?;
    let after = patch.applied_to(&before)?;
    if after == before {
        return Ok(before);
    }
    tx.attempt(|tx| write(tx, &after)).map_err(|e: muster_kernel::db::DbError| {
        match e.is_unique_violation() {
            true => Fault::new(Code::AlreadyExists, "Another member has this `external_id`."),
            false => e.into(),
        }
    })?;
    let event = Event { action: "member.changed", object_type: OBJECT, object_id: id.0, reason: None };
    audit::append(tx, can.origin(), event)?;
    Ok(Member { version: after.version + 1, ..after })
}

fn write(tx: &mut Tx<'_>, member: &Member) -> DbResult<()> {
    diesel::update(members::table.filter(members::id.eq(member.id)))
        .set((
            members::phone.eq(&member.contact.phone),
            members::address.eq(&member.contact.address),
            members::emergency_contact.eq(&member.contact.emergency_contact),
            members::notes.eq(&member.notes),
            members::external_id.eq(&member.external_id),
            members::version.eq(members::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

/// Takes away all of it.
pub(crate) fn forget(tx: &mut Tx<'_>, id: UserId) -> DbResult<()> {
    diesel::update(members::table.filter(members::id.eq(id)))
        .set((
            members::phone.eq(None::<String>),
            members::address.eq(None::<String>),
            members::emergency_contact.eq(None::<String>),
            members::notes.eq(None::<String>),
            members::external_id.eq(None::<String>),
            members::version.eq(members::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(())
}

impl MemberPatch {
    fn applied_to(&self, before: &Member) -> Result<Member, Fault> {
        let mut after = before.clone();
        let mut fields = Fields::new();
        if let Some(phone) = &self.phone {
            if let Some(phone) = phone {
                fields.text("/phone", phone, 1..=40);
            }
            after.contact.phone.clone_from(phone);
        }
        if let Some(id) = &self.external_id {
            if let Some(id) = id {
                fields.text("/external_id", id, 1..=64);
            }
            after.external_id.clone_from(id);
        }
        let contact = &mut after.contact;
        for (pointer, new, kept, most) in [
            ("/address", &self.address, &mut contact.address, 500),
            ("/emergency_contact", &self.emergency_contact, &mut contact.emergency_contact, 500),
            ("/notes", &self.notes, &mut after.notes, 4000),
        ] {
            if let Some(new) = new {
                if let Some(text) = new {
                    fields.lines(pointer, text, 1..=most);
                }
                kept.clone_from(new);
            }
        }
        fields.done()?;
        Ok(after)
    }
}
