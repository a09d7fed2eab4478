//! Everybody else: families, and people by themselves.

use std::collections::HashSet;

use chrono::{Days as Count, Months, NaiveDate};
use muster_auth::Roles;

use super::super::chance::Chance;
use super::super::days::Days;
use super::super::dues::Paying;
use super::super::names::{GROWN, LAST, YOUNG, as_address};
use super::super::payments::Habit;
use super::{EVERYBODY, Fate, Somebody, Who};

const FAMILIES: u32 = 25;

/// How the memberships of people by themselves go; all others are old.
const FATES: [(Fate, usize); 6] = [
    (Fate::Pending, 6),
    (Fate::Rejected, 2),
    (Fate::Suspended, 3),
    (Fate::Reinstated, 1),
    (Fate::Left, 7),
    (Fate::New, 16),
];

/// Adds them, until everybody is there.
pub(super) fn add(people: &mut Vec<Somebody>, days: &Days) {
    let taken = people.iter().map(|it| (it.first, it.last)).collect();
    let mut making = Making { people, days, chance: Chance::of("people"), taken };
    for family in 0..FAMILIES {
        making.family(family);
    }
    let mut fates = FATES.iter().flat_map(|(fate, count)| std::iter::repeat_n(*fate, *count));
    while making.people.len() < EVERYBODY {
        let fate = fates.next().unwrap_or(Fate::Old);
        making.single(fate);
    }
}

struct Making<'a> {
    people: &'a mut Vec<Somebody>,
    days: &'a Days,
    chance: Chance,
    /// Names that somebody has.
    taken: HashSet<(&'static str, &'static str)>,
}

/// What a family has in common; somebody by themselves is one of one.
#[derive(Debug, Clone, Copy)]
struct Family {
    last: &'static str,
    fate: Fate,
    comes: NaiveDate,
    habit: Habit,
}

impl Making<'_> {
    fn family_of(&mut self, fate: Fate) -> Family {
        let last = self.chance.pick(LAST);
        Family { last, fate, comes: self.day_of(fate), habit: Habit::of(&mut self.chance) }
    }

    /// One or two grown people with one to three children. The last families are new.
    fn family(&mut self, number: u32) {
        let family = self.family_of(if number + 3 > FAMILIES { Fate::New } else { Fate::Old });
        let mut guardians = Vec::new();
        for _ in 0..self.chance.among(1..=2) {
            let age = self.chance.among(37..=52);
            guardians.push(Who(self.people.len()));
            self.add(GROWN, age, family, Vec::new());
        }
        for _ in 0..self.chance.among(1..=3) {
            let age = self.chance.among(5..=17);
            // Nobody joins before they are four.
            let four = self.days.first() - Count::new(u64::from(age - 4) * 365);
            let family = Family { comes: family.comes.max(four), ..family };
            self.add(YOUNG, age, family, guardians.clone());
        }
    }

    fn single(&mut self, fate: Fate) {
        let age = match self.chance.among(0..=9) {
            0..=1 => self.chance.among(19..=25),
            2..=7 => self.chance.among(26..=55),
            _ => self.chance.among(56..=79),
        };
        let family = self.family_of(fate);
        self.add(GROWN, age, family, Vec::new());
    }

    /// When somebody comes whose membership goes like this.
    fn day_of(&mut self, fate: Fate) -> NaiveDate {
        let term = u32::try_from((self.days.today - self.days.first()).num_days()).unwrap_or_default();
        match fate {
            Fate::Pending => self.days.ago(self.chance.among(1..=8)),
            Fate::New => self.days.ago(self.chance.among(12..=term - 8)),
            Fate::Rejected => self.days.ago(self.chance.among(20..=90)),
            _ => self.days.first() - Count::new(self.chance.among(30..=1000).into()),
        }
    }

    fn add(&mut self, names: &[&'static str], age: u32, family: Family, guardians: Vec<Who>) {
        let Family { last, fate, comes, habit } = family;
        let first = self.first_name(names, last);
        let signs_in = guardians.is_empty() || (age >= 14 && self.chance.percent(70));
        let paying = match age {
            0..=17 => Paying::Young,
            18..=25 if self.chance.percent(60) => Paying::Students,
            56.. if self.chance.percent(25) => Paying::Supporters,
            _ => Paying::Adults,
        };
        self.people.push(Somebody {
            first,
            last,
            email: signs_in.then(|| format!("{}@example.org", as_address(first, last))),
            born: self.days.today - Months::new(12 * age) - Count::new(self.chance.among(10..=350).into()),
            comes,
            to_be: Roles::MEMBER,
            roles: Roles::MEMBER,
            guardians,
            fate,
            paying,
            habit,
            courses: Vec::new(),
            booked_through: comes,
            id: None,
            is_active: false,
        });
    }

    /// A first name that nobody has who has this last name.
    fn first_name(&mut self, names: &[&'static str], last: &'static str) -> &'static str {
        loop {
            let first = self.chance.pick(names);
            if self.taken.insert((first, last)) {
                return first;
            }
        }
    }
}
