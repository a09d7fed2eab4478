//! What happens in the club, in the order of time. What happens can lead to more.

use std::collections::BTreeMap;

use muster_finance::Month;
use muster_kernel::Timestamp;

use super::{attendance, bookings, books, classes, dues, pay, payments, people, talk};

/// Something that happens.
#[derive(Debug)]
pub(super) enum Happening {
    /// A month begins.
    Month(Month),
    /// It is night: the program does what the clock makes it do.
    Night,
    /// To a person.
    People(people::Event),
    /// To what members owe.
    Dues(dues::Event),
    /// To what members pay.
    Payments(payments::Event),
    /// To the club's own money.
    Books(books::Event),
    /// To what coaches earn.
    Pay(pay::Event),
    /// To what is taught.
    Classes(classes::Event),
    /// To who comes.
    Bookings(bookings::Event),
    /// In a class, or soon after.
    Attendance(attendance::Event),
    /// Somebody says something.
    Talk(talk::Event),
}

/// What is to happen.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    to_come: BTreeMap<(Timestamp, u64), Happening>,
    count: u64,
}

impl Timeline {
    /// Has something happen then. Of two things at once the one comes first that was said first.
    pub(super) fn add(&mut self, at: Timestamp, what: impl Into<Happening>) {
        self.to_come.insert((at, self.count), what.into());
        self.count += 1;
    }

    /// What happens next.
    pub(super) fn next(&mut self) -> Option<(Timestamp, Happening)> {
        self.to_come.pop_first().map(|((at, _), what)| (at, what))
    }
}

macro_rules! happenings {
    ($($module:ident => $kind:ident),+) => {
        $(impl From<$module::Event> for Happening {
            fn from(event: $module::Event) -> Happening {
                Happening::$kind(event)
            }
        })+
    };
}

happenings!(
    people => People,
    dues => Dues,
    payments => Payments,
    books => Books,
    pay => Pay,
    classes => Classes,
    bookings => Bookings,
    attendance => Attendance,
    talk => Talk
);
