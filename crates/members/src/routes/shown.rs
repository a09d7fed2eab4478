//! A member's record as clients see it.

use chrono::NaiveDate;
use muster_auth::{Actor, club, guardians};
use muster_kernel::db::Conn;
use muster_kernel::fault::Fault;
use muster_kernel::{Timestamp, UserId};
use serde::Serialize;

use crate::{Member, PaymentStatus, Sight, Standing};

/// A member's record. Fields that you may not see are absent.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Member)]
pub(super) struct MemberShown {
    pub(super) id: UserId,
    pub(super) version: i64,
    /// The person; the same number.
    user_id: UserId,
    first_name: String,
    last_name: String,
    /// Null for those who cannot sign in.
    email: Option<String>,
    status: Standing,
    membership_approved: bool,
    /// How often they attended a class.
    attendance_count: i32,
    /// Who acts for them.
    guardian_ids: Vec<UserId>,
    phone: Option<String>,
    address: Option<String>,
    /// Whom to call when something happened.
    emergency_contact: Option<String>,
    /// What the staff noted; only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    notes: Option<Option<String>>,
    /// What another program knows them by; only for treasurers and admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    external_id: Option<Option<String>>,
    /// The plan they pay dues by; null without one. This and what follows only for themselves, their guardians,
    /// treasurers and admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    plan_id: Option<Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = PaymentStatus, required = false)]
    payment_status: Option<PaymentStatus>,
    /// What they owe; below zero is credit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    balance: Option<i64>,
    /// Class fees paid in advance and not used yet, the reserved ones among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i32, required = false)]
    prepaid_fees: Option<i32>,
    /// Those of them that are reserved for bookings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i32, required = false)]
    prepaid_fees_reserved: Option<i32>,
}

/// A record as this person sees it.
pub(super) fn show(
    conn: &mut Conn,
    actor: &Actor,
    member: Member,
    now: Timestamp,
) -> Result<MemberShown, Fault> {
    let sight = Sight::of_one(conn, actor, member.id, now)?;
    let today = club::settings(conn)?.today(now);
    let guardians = guardians::of(conn, &[member.id])?;
    Ok(show_with(&sight, member, &guardians, today))
}

/// A record as somebody with this sight sees it. `guardians` are those of whomever, each after the ward.
pub(super) fn show_with(
    sight: &Sight,
    member: Member,
    guardians: &[(UserId, UserId)],
    today: NaiveDate,
) -> MemberShown {
    let money = sight.sees_money_of(member.id).then_some(&member.money);
    let of_them = guardians.iter().filter(|(ward, _)| *ward == member.id);
    MemberShown {
        id: member.id,
        version: member.version,
        user_id: member.id,
        first_name: member.first_name,
        last_name: member.last_name,
        email: member.email,
        status: member.status,
        membership_approved: member.status.is_approved(),
        attendance_count: member.attendance_count,
        guardian_ids: of_them.map(|(_, guardian)| *guardian).collect(),
        phone: member.contact.phone,
        address: member.contact.address,
        emergency_contact: member.contact.emergency_contact,
        notes: sight.sees_notes().then_some(member.notes),
        external_id: sight.sees_external_id().then_some(member.external_id),
        plan_id: money.map(|money| money.plan_id),
        payment_status: money.map(|money| money.status(today)),
        balance: money.map(|money| money.balance),
        prepaid_fees: money.map(|money| money.prepaid_fees),
        prepaid_fees_reserved: money.map(|money| money.prepaid_fees_reserved),
    }
}
