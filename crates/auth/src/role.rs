//! Roles, and sets of them.

use muster_kernel::text_enum;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

text_enum! {
    /// What somebody is in the club. In rising order: the highest is shown as *the* role.
    pub enum Role {
        /// Everybody.
        Member = "member",
        /// Gives classes.
        Coach = "coach",
        /// Keeps the books.
        Treasurer = "treasurer",
        /// Runs the club.
        Admin = "admin",
    }
}

/// The roles of one person. Everybody is a member, whatever else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// A member and nothing else.
    pub const MEMBER: Roles = Roles(bit(Role::Member));

    /// These roles; `member` is always among them.
    pub fn of(roles: impl IntoIterator<Item = Role>) -> Roles {
        roles.into_iter().fold(Roles::MEMBER, |set, role| Roles(set.0 | bit(role)))
    }

    /// These and those.
    #[must_use]
    pub fn and(self, others: Roles) -> Roles {
        Roles(self.0 | others.0)
    }

    /// These without those; `member` stays.
    #[must_use]
    pub fn without(self, others: Roles) -> Roles {
        Roles(self.0 & !others.0 | Roles::MEMBER.0)
    }

    /// True when this role is among them.
    pub fn has(self, role: Role) -> bool {
        self.0 & bit(role) != 0
    }

    /// The roles, in rising order.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.has(*role))
    }

    /// The highest of them.
    pub fn highest(self) -> Role {
        self.iter().last().unwrap_or(Role::Member)
    }
}

const fn bit(role: Role) -> u8 {
    1 << role as u8
}

impl std::fmt::Debug for Roles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Roles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for role in self.iter() {
            list.serialize_element(&role)?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_a_member_and_the_highest_role_is_the_role() {
        assert_eq!(Roles::of([]), Roles::MEMBER);
        let both = Roles::of([Role::Treasurer, Role::Coach]);
        assert_eq!(both.iter().collect::<Vec<_>>(), [Role::Member, Role::Coach, Role::Treasurer]);
        assert_eq!(both.highest(), Role::Treasurer);
        assert!(!both.has(Role::Admin));
    }
}
