//! The people of the demo: who they are, when they come, and what becomes of them.

mod leads;
mod others;

use std::ops::{Index, IndexMut};

use chrono::NaiveDate;
use muster_auth::Roles;
use muster_kernel::UserId;

use leads::all;
pub(super) use leads::{
    ANDREA, AYLIN, CLARA, DIRK, EMIL, HENRIK, INES, JENS, JONAS, KATHARINA, LENA, MARKUS, MIA, MIRIAM, NELE,
    PAUL, SABINE, STEFAN, TOMASZ, UTE,
};

use super::days::Days;
use super::dues::Paying;
use super::payments::Habit;
use super::term::Course;

/// So many people are in the club.
const EVERYBODY: usize = 200;

/// Somebody, by their place in the cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Who(usize);

/// How somebody's membership goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They have been in it for years.
    Old,
    /// They apply in these months, and are taken in.
    New,
    /// They have applied these days.
    Pending,
    /// They applied, and were turned down.
    Rejected,
    /// They may not book for now.
    Suspended,
    /// The same, and then they may again.
    Reinstated,
    /// They have left.
    Left,
}

/// Somebody of the club.
#[derive(Debug)]
pub(super) struct Somebody {
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    /// Where they sign in; somebody acts for those who have none.
    pub(super) email: Option<String>,
    pub(super) born: NaiveDate,
    /// When they come.
    pub(super) comes: NaiveDate,
    /// What they will be in the club.
    pub(super) to_be: Roles,
    /// What they are in it by now.
    pub(super) roles: Roles,
    /// Those who act for them.
    pub(super) guardians: Vec<Who>,
    pub(super) fate: Fate,
    pub(super) paying: Paying,
    pub(super) habit: Habit,
    /// What they come to regularly.
    pub(super) courses: Vec<Course>,
    /// Up to which day they have thought about what to book.
    pub(super) booked_through: NaiveDate,
    /// Their number, once they have come.
    pub(super) id: Option<UserId>,
    /// Whether they are an active member by now.
    pub(super) is_active: bool,
}

impl Somebody {
    /// How old they are on a day.
    pub(super) fn age(&self, day: NaiveDate) -> u32 {
        day.years_since(self.born).unwrap_or_default()
    }

    /// Whether they can say something: they sign in, and take part in the club.
    pub(super) fn speaks(&self) -> bool {
        self.email.is_some() && self.is_active
    }
}

/// Everybody.
#[derive(Debug)]
pub(super) struct Cast(Vec<Somebody>);

impl Cast {
    /// Those who are, or will have been, in the club until the end of these days.
    pub(super) fn of(days: &Days) -> Cast {
        let mut people = all(days);
        others::add(&mut people, days);
        Cast(people)
    }

    /// All of them.
    pub(super) fn everybody(&self) -> impl Iterator<Item = Who> + use<> {
        (0..self.0.len()).map(Who)
    }

    /// Those of whom something is true.
    pub(super) fn those(&self, is_so: impl Fn(&Somebody) -> bool) -> Vec<Who> {
        self.everybody().filter(|who| is_so(&self[*who])).collect()
    }

    /// Whose number this is.
    pub(super) fn by_id(&self, id: UserId) -> Option<Who> {
        self.everybody().find(|who| self[*who].id == Some(id))
    }

    /// Who acts for somebody: themselves if they sign in, else their first guardian.
    pub(super) fn acts_for(&self, who: Who) -> Who {
        match self[who].email {
            Some(_) => who,
            None => self[who].guardians.first().copied().unwrap_or(who),
        }
    }
}

impl Index<Who> for Cast {
    type Output = Somebody;

    fn index(&self, who: Who) -> &Somebody {
        &self.0[who.0]
    }
}

impl IndexMut<Who> for Cast {
    fn index_mut(&mut self, who: Who) -> &mut Somebody {
        &mut self.0[who.0]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn cast() -> (Days, Cast) {
        let days = Days::until(serde_json::from_value("2026-11-22T10:00:00Z".into()).expect("a time"));
        let cast = Cast::of(&days);
        (days, cast)
    }

    #[test]
    fn the_leads_are_who_they_are_called() {
        let (_, cast) = cast();
        for (who, name) in [
            (KATHARINA, "Katharina"),
            (JONAS, "Jonas"),
            (MIRIAM, "Miriam"),
            (TOMASZ, "Tomasz"),
            (INES, "Ines"),
            (HENRIK, "Henrik"),
            (AYLIN, "Aylin"),
            (STEFAN, "Stefan"),
            (LENA, "Lena"),
            (SABINE, "Sabine"),
            (EMIL, "Emil"),
            (MIA, "Mia"),
            (MARKUS, "Markus"),
            (NELE, "Nele"),
            (ANDREA, "Andrea"),
            (PAUL, "Paul"),
            (CLARA, "Clara"),
            (DIRK, "Dirk"),
            (UTE, "Ute"),
            (JENS, "Jens"),
        ] {
            assert_eq!(cast[who].first, name);
        }
    }

    #[test]
    fn everybody_is_somebody_else_and_old_enough_for_it() {
        let (days, cast) = cast();
        assert_eq!(cast.everybody().count(), EVERYBODY);
        let names: HashSet<_> = cast.everybody().map(|who| (cast[who].first, cast[who].last)).collect();
        let addresses: HashSet<_> = cast.everybody().filter_map(|who| cast[who].email.clone()).collect();
        let with_address = cast.those(|it| it.email.is_some());
        assert_eq!((names.len(), addresses.len()), (EVERYBODY, with_address.len()));
        assert!(addresses.iter().all(|address| address.ends_with("@example.org")));
        for who in cast.everybody() {
            let it = &cast[who];
            assert!(it.age(it.comes) >= 3 && it.comes <= days.today, "{it:?}");
            let is_minor = it.age(days.today) < 18;
            assert_eq!(is_minor, !it.guardians.is_empty(), "{it:?}");
            for guardian in it.guardians.iter().map(|who| &cast[*who]) {
                assert!(guardian.comes <= it.comes && guardian.email.is_some(), "{it:?}");
                assert!(guardian.age(days.today) >= it.age(days.today) + 18, "{it:?}");
            }
        }
        assert!(cast.those(|it| !it.guardians.is_empty()).len() >= 30);
    }
}
