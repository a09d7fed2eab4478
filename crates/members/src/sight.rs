//! How much of a record somebody sees: what they may not see is absent, not empty.

use muster_auth::permissions::{EditNotes, ReadMoney, ReadNotes};
use muster_auth::{Actor, Scope, guardians, people};
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::{Timestamp, UserId};

/// How much of members' records somebody sees.
#[derive(Debug, Clone)]
pub struct Sight {
    notes: bool,
    external_id: bool,
    money: Whose,
}

#[derive(Debug, Clone)]
enum Whose {
    Everybodys,
    Of(Vec<UserId>),
}

impl Sight {
    /// How much of one member's record this person sees.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of_one(conn: &mut Conn, actor: &Actor, member: UserId, now: Timestamp) -> DbResult<Sight> {
        let money = match actor.can::<ReadMoney>() {
            Ok(can) if people::is_within(conn, &can, member, now)? => Whose::Of(vec![member]),
            _ => Whose::Of(Vec::new()),
        };
        Ok(Sight::with(actor, money))
    }

    /// How much of all members' records this person sees.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of_all(conn: &mut Conn, actor: &Actor, now: Timestamp) -> DbResult<Sight> {
        let money = match actor.can::<ReadMoney>().map(|can| can.scope()) {
            Ok(Scope::All) => Whose::Everybodys,
            Ok(Scope::Wards) => {
                let mut theirs = guardians::wards_of(conn, actor.user_id(), now)?;
                theirs.push(actor.user_id());
                Whose::Of(theirs)
            }
            Ok(Scope::Own) => Whose::Of(vec![actor.user_id()]),
            Err(_) => Whose::Of(Vec::new()),
        };
        Ok(Sight::with(actor, money))
    }

    fn with(actor: &Actor, money: Whose) -> Sight {
        let (notes, external_id) = (actor.can::<ReadNotes>().is_ok(), actor.can::<EditNotes>().is_ok());
        Sight { notes, external_id, money }
    }

    /// What the staff noted.
    pub fn sees_notes(&self) -> bool {
        self.notes
    }

    /// What another program knows members by.
    pub fn sees_external_id(&self) -> bool {
        self.external_id
    }

    /// What this member owes and has paid in advance.
    pub fn sees_money_of(&self, member: UserId) -> bool {
        match &self.money {
            Whose::Everybodys => true,
            Whose::Of(members) => members.contains(&member),
        }
    }
}
