//! Those who have a part of their own: of whom the command tells, and who speak by name.

use chrono::{Days as Count, Months};
use muster_auth::{Role, Roles};
use muster_finance::accounts::Method;

use super::super::chance::Chance;
use super::super::days::Days;
use super::super::dues::Paying;
use super::super::names::as_address;
use super::super::payments::{Habit, Way};
use super::{Fate, Somebody, Who};

/// The admin.
pub(in super::super) const KATHARINA: Who = Who(0);
/// The treasurer.
pub(in super::super) const JONAS: Who = Who(1);
/// Treasurer, and coach of back fitness.
pub(in super::super) const MIRIAM: Who = Who(2);
/// Coach of judo.
pub(in super::super) const TOMASZ: Who = Who(3);
/// Coach of yoga.
pub(in super::super) const INES: Who = Who(4);
/// Coach of badminton.
pub(in super::super) const HENRIK: Who = Who(5);
/// Coach of the children's gymnastics.
pub(in super::super) const AYLIN: Who = Who(6);
/// Coach of functional training and of the runners.
pub(in super::super) const STEFAN: Who = Who(7);
/// A member with classes.
pub(in super::super) const LENA: Who = Who(8);
/// A mother.
pub(in super::super) const SABINE: Who = Who(9);
/// Her son.
pub(in super::super) const EMIL: Who = Who(10);
/// Her daughter.
pub(in super::super) const MIA: Who = Who(11);
/// Somebody who has not paid for a while.
pub(in super::super) const MARKUS: Who = Who(12);
/// Somebody of sixteen.
pub(in super::super) const NELE: Who = Who(13);
/// Her mother.
pub(in super::super) const ANDREA: Who = Who(14);
/// Somebody who is suspended.
pub(in super::super) const PAUL: Who = Who(15);
/// Somebody who applied yesterday.
pub(in super::super) const CLARA: Who = Who(16);
/// Somebody who left with debts.
pub(in super::super) const DIRK: Who = Who(17);
/// Somebody who pays ahead.
pub(in super::super) const UTE: Who = Who(18);
/// Somebody who pays more than is owed.
pub(in super::super) const JENS: Who = Who(19);

/// A lead, as told in one line.
struct Lead {
    name: (&'static str, &'static str),
    age: u32,
    roles: &'static [Role],
    paying: Paying,
    guardian: Option<Who>,
    fate: Fate,
    /// On which day of a month they pay, and how.
    habit: (u32, Method, Way),
}

impl Lead {
    const fn new(first: &'static str, last: &'static str, age: u32) -> Lead {
        Lead {
            name: (first, last),
            age,
            roles: &[],
            paying: Paying::Adults,
            guardian: None,
            fate: Fate::Old,
            habit: (3, Method::Bank, Way::Owed),
        }
    }

    const fn with_roles(self, roles: &'static [Role], paying: Paying) -> Lead {
        Lead { roles, paying, ..self }
    }

    const fn child_of(self, guardian: Who) -> Lead {
        Lead { paying: Paying::Young, guardian: Some(guardian), ..self }
    }

    const fn who_pays(self, day: u32, method: Method, way: Way) -> Lead {
        Lead { habit: (day, method, way), ..self }
    }

    const fn with_fate(self, fate: Fate) -> Lead {
        Lead { fate, ..self }
    }
}

/// In the order of the numbers above.
const LEADS: [Lead; 20] = [
    Lead::new("Katharina", "Brandt", 46).with_roles(&[Role::Admin], Paying::Adults),
    Lead::new("Jonas", "Weber", 52).with_roles(&[Role::Treasurer], Paying::Adults),
    Lead::new("Miriam", "Scholz", 39).with_roles(&[Role::Treasurer, Role::Coach], Paying::Nothing),
    Lead::new("Tomasz", "Nowak", 41).with_roles(&[Role::Coach], Paying::Nothing),
    Lead::new("Ines", "Ferreira", 34).with_roles(&[Role::Coach], Paying::Nothing),
    Lead::new("Henrik", "Sommer", 29).with_roles(&[Role::Coach], Paying::Nothing),
    Lead::new("Aylin", "Demir", 27).with_roles(&[Role::Coach], Paying::Nothing),
    Lead::new("Stefan", "Krüger", 37).with_roles(&[Role::Coach], Paying::Nothing),
    Lead::new("Lena", "Hoffmann", 31),
    Lead::new("Sabine", "Keller", 44).who_pays(6, Method::Bank, Way::Owed),
    Lead::new("Emil", "Keller", 9).child_of(SABINE).who_pays(6, Method::Bank, Way::Owed),
    Lead::new("Mia", "Keller", 12).child_of(SABINE).who_pays(6, Method::Bank, Way::Owed),
    Lead::new("Markus", "Lange", 38).who_pays(9, Method::Bank, Way::OnlyUntil(1)),
    Lead::new("Nele", "Vogt", 16).child_of(ANDREA).who_pays(15, Method::Cash, Way::Owed),
    Lead::new("Andrea", "Vogt", 47).who_pays(15, Method::Cash, Way::Owed),
    Lead::new("Paul", "Richter", 26).with_fate(Fate::Suspended).who_pays(23, Method::Bank, Way::OnlyUntil(1)),
    Lead::new("Clara", "Neumann", 24).with_fate(Fate::Pending),
    Lead::new("Dirk", "Albers", 55).with_fate(Fate::Left).who_pays(3, Method::Bank, Way::OnlyUntil(0)),
    Lead::new("Ute", "Petersen", 63).who_pays(3, Method::Bank, Way::Ahead),
    Lead::new("Jens", "Kowalski", 48).who_pays(6, Method::Bank, Way::RoundsUp),
];

/// Children without an address: their mother acts for them.
const WITHOUT_ADDRESS: [Who; 2] = [EMIL, MIA];

/// All of them.
pub(super) fn all(days: &Days) -> Vec<Somebody> {
    let mut chance = Chance::of("leads");
    LEADS.iter().enumerate().map(|(place, lead)| made(lead, Who(place), days, &mut chance)).collect()
}

fn made(lead: &Lead, who: Who, days: &Days, chance: &mut Chance) -> Somebody {
    let (first, last) = lead.name;
    // The admin is the first, and the staff are there before the others. Children come with their mother.
    let comes_before = match who {
        KATHARINA => 1500,
        EMIL | MIA | SABINE | NELE | ANDREA => 700,
        _ if !lead.roles.is_empty() => chance.among(1100..=1400),
        _ => chance.among(200..=900),
    };
    let comes = match lead.fate {
        Fate::Pending => days.ago(1),
        _ => days.first() - Count::new(comes_before.into()),
    };
    let (day, method, way) = lead.habit;
    Somebody {
        first,
        last,
        email: (!WITHOUT_ADDRESS.contains(&who)).then(|| format!("{}@example.org", as_address(first, last))),
        born: days.today - Months::new(12 * lead.age) - Count::new(chance.among(20..=330).into()),
        comes,
        to_be: Roles::of(lead.roles.iter().copied()),
        roles: Roles::MEMBER,
        guardians: lead.guardian.into_iter().collect(),
        fate: lead.fate,
        paying: lead.paying,
        habit: Habit { day, method, way },
        courses: Vec::new(),
        booked_through: comes,
        id: None,
        is_active: false,
    }
}
