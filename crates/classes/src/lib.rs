//! Classes and who comes to them: single sessions and series, bookings and the line of those who wait, attendance, and the
//! calendar.
//!
//! Whatever changes who has a place in a class locks its row first: however many ask at once, they come one after the
//! other, and the table itself refuses an overbooked class. What a place costs, what a coach earns and how often somebody
//! attended is written by finance, coaches and members in the same transaction.
//!
//! ```
//! use muster_classes::BookingStatus;
//! assert!(BookingStatus::LateCancelled.costs());
//! assert!(!BookingStatus::Excused.is_seated());
//! ```

pub mod attendance;
mod booking;
pub mod bookings;
pub mod calendar;
mod chat_rooms;
mod checks;
mod class;
mod clock;
mod completion;
mod domain;
pub mod door;
mod exports;
mod fees;
mod hooks;
mod letters;
mod line;
mod moving;
pub mod overview;
pub mod planning;
mod queries;
pub mod ratings;
pub mod recurrence;
#[cfg(feature = "http")]
mod routes;
mod schema;
mod seats;
pub mod series;
pub mod timetable;
pub mod warnings;
mod whose;
mod words;

pub use booking::{Booking, BookingId, BookingStatus};
pub use class::{Class, ClassId, ClassStatus, SeriesId};
pub use completion::complete;
pub use domain::domain;
pub use fees::Covering;
pub use hooks::{person_hooks, standing_hooks};
pub use letters::{BookingLetters, ClassLetters, Reminders};
#[cfg(feature = "http")]
pub use routes::mount;
