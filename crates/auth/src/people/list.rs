//! The list of everybody, for staff.

use muster_kernel::UserId;
use muster_kernel::db::{Conn, DbResult};
use muster_kernel::fault::Fault;
use muster_kernel::page::PageRequest;

use super::{Words, queries};
use crate::models::User;
use crate::permissions::ListUsers;
use crate::{Can, Role, Roles};

/// In which order people are listed. A page begins after what was the last row of the one before: a word or a name,
/// and the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// By name, last name first.
    Name,
    /// The same the other way round.
    NameDescending,
    /// As they joined.
    Joined,
    /// The latest to join first.
    JoinedDescending,
}

/// Whom to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    words: Words,
    role: Option<Role>,
    is_active: Option<bool>,
}

impl Filter {
    /// Those found by these words (the beginnings are enough), in this role, able to sign in or not.
    ///
    /// # Errors
    /// When there are too many words.
    pub fn new(q: Option<&str>, role: Option<Role>, is_active: Option<bool>) -> Result<Filter, Fault> {
        Ok(Filter { words: Words::of(q)?, role, is_active })
    }

    /// Whether words are looked for: then the list is in the order of the word that was found.
    pub fn is_search(&self) -> bool {
        !self.words.is_empty()
    }
}

/// A row of the list: somebody, their roles, and their place in it.
#[derive(Debug)]
pub struct Listed {
    /// Who it is.
    pub user: User,
    /// As what.
    pub roles: Roles,
    /// The place in the list.
    pub key: (String, i64),
}

/// A page of people.
///
/// # Errors
/// When the database fails.
pub fn list(
    conn: &mut Conn,
    _: &Can<ListUsers>,
    filter: &Filter,
    order: &Order,
    page: &PageRequest<(String, i64)>,
) -> DbResult<Vec<Listed>> {
    let (limit, after) = (page.fetch(), page.after());
    let rows = match filter.words.split_first() {
        Some((first, others)) => {
            queries::search(conn, first, others, filter.role, filter.is_active, after, limit)?
        }
        None => queries::list(conn, filter.role, filter.is_active, order, after, limit)?,
    };
    let ids: Vec<UserId> = rows.iter().map(|(_, user)| user.id).collect();
    let roles = queries::roles_of(conn, &ids)?;
    let of = |id: UserId| Roles::of(roles.iter().filter(|(user, _)| *user == id).map(|(_, role)| *role));
    let listed = |(word, user): (String, User)| Listed { roles: of(user.id), key: (word, user.id.0), user };
    Ok(rows.into_iter().map(listed).collect())
}

/// How many people there are in all.
///
/// # Errors
/// When the database fails.
pub fn count(conn: &mut Conn, _: &Can<ListUsers>, filter: &Filter) -> DbResult<i64> {
    match filter.words.split_first() {
        Some((first, others)) => queries::count_found(conn, first, others, filter.role, filter.is_active),
        None => queries::count(conn, filter.role, filter.is_active),
    }
}
