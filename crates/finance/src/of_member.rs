//! What may be read of a member's money: by themselves, whoever acts for them, and the treasurer. For others it is
//! not there.

use chrono::NaiveDate;
use muster_auth::permissions::ReadStatements;
use muster_auth::{Can, people};
use muster_kernel::db::Conn;
use muster_kernel::fault::Fault;
use muster_kernel::page::PageRequest;
use muster_kernel::{Timestamp, UserId};

use crate::charges::{self, Charge, ChargeKind};
use crate::credits::{self, Credit, CreditKind};
use crate::prepaid::{self, Lot};
use crate::settling::Allocation;
use crate::statement::{self, Statement};

/// A member whose money the caller may see.
#[derive(Debug, Clone, Copy)]
pub struct OfMember(UserId);

impl OfMember {
    /// The member of this id.
    ///
    /// # Errors
    /// When there is none whose money the caller may see.
    pub fn seen(
        conn: &mut Conn,
        can: &Can<ReadStatements>,
        member: UserId,
        now: Timestamp,
    ) -> Result<OfMember, Fault> {
        let there = people::is_within(conn, can, member, now)? && crate::standing_of(conn, member)?.is_some();
        if there { Ok(OfMember(member)) } else { Err(Fault::not_found()) }
    }

    /// What they owe and owed, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn charges(self, conn: &mut Conn, page: &PageRequest<i64>) -> Result<Vec<Charge>, Fault> {
        Ok(charges::list(conn, self.0, ChargeKind::Charge, page)?)
    }

    /// What they were paid back, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn refunds(self, conn: &mut Conn, page: &PageRequest<i64>) -> Result<Vec<Charge>, Fault> {
        Ok(charges::list(conn, self.0, ChargeKind::Refund, page)?)
    }

    /// What they paid, the latest first, and what it settled.
    ///
    /// # Errors
    /// When the database fails.
    pub fn payments(
        self,
        conn: &mut Conn,
        page: &PageRequest<i64>,
    ) -> Result<(Vec<Credit>, Vec<Allocation>), Fault> {
        let rows = credits::list(conn, self.0, CreditKind::Payment, page)?;
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let allocations = credits::allocations_of(conn, &ids)?;
        Ok((rows, allocations))
    }

    /// What they were let off, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn write_offs(self, conn: &mut Conn, page: &PageRequest<i64>) -> Result<Vec<Credit>, Fault> {
        Ok(credits::list(conn, self.0, CreditKind::WriteOff, page)?)
    }

    /// The class fees that they paid in advance, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lots(self, conn: &mut Conn, page: &PageRequest<i64>) -> Result<Vec<Lot>, Fault> {
        Ok(prepaid::list(conn, self.0, page)?)
    }

    /// How many there are in all of one of these.
    ///
    /// # Errors
    /// When the database fails.
    pub fn count(self, conn: &mut Conn, what: Items) -> Result<i64, Fault> {
        Ok(match what {
            Items::Charges => charges::count(conn, self.0, ChargeKind::Charge)?,
            Items::Refunds => charges::count(conn, self.0, ChargeKind::Refund)?,
            Items::Payments => credits::count(conn, self.0, CreditKind::Payment)?,
            Items::WriteOffs => credits::count(conn, self.0, CreditKind::WriteOff)?,
            Items::Lots => prepaid::count(conn, self.0)?,
        })
    }

    /// What they owed and paid between two days, and what is open today.
    ///
    /// # Errors
    /// When the database fails.
    pub fn statement(
        self,
        conn: &mut Conn,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> Result<Statement, Fault> {
        Ok(statement::of(conn, self.0, from, to)?)
    }
}

/// What there are several of.
#[derive(Debug, Clone, Copy)]
pub enum Items {
    /// Charges.
    Charges,
    /// What was paid back.
    Refunds,
    /// Payments.
    Payments,
    /// What was written off.
    WriteOffs,
    /// Class fees paid in advance.
    Lots,
}
