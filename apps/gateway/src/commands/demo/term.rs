//! What the club teaches: the courses of the term, and what there is once.

use std::ops::RangeInclusive;

use chrono::Weekday;

use super::cast::{AYLIN, HENRIK, INES, MIRIAM, STEFAN, TOMASZ, Who};

/// The hall that the club rents.
const HALL: &str = "Main hall";
/// The other one.
const STUDIO: &str = "Studio, Mill Lane 4";

/// A course, by its place in the term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Course(usize);

/// What is taught every week. No two of them are at the same time.
#[derive(Debug)]
pub(super) struct Taught {
    pub(super) title: &'static str,
    /// By what its part of the talk is found.
    pub(super) word: &'static str,
    pub(super) coach: Who,
    /// Its days; the first is where it begins.
    pub(super) days: &'static [Weekday],
    /// From when on, and for how many minutes.
    pub(super) from: (u32, u32),
    pub(super) minutes: i32,
    pub(super) location: &'static str,
    pub(super) capacity: i32,
    pub(super) fee: i64,
    /// For whom it is, by their age, and how many come regularly.
    pub(super) ages: RangeInclusive<u32>,
    pub(super) regulars: usize,
    pub(super) description: &'static str,
}

const TERM: [Taught; 9] = [
    Taught {
        title: "Judo for children",
        word: "judo-children",
        coach: TOMASZ,
        days: &[Weekday::Tue],
        from: (16, 30),
        minutes: 60,
        location: HALL,
        capacity: 16,
        fee: 0,
        ages: 6..=13,
        regulars: 15,
        description: "Falling, rolling, wrestling by the rules. From six years on; bring a judo suit or sturdy clothes.",
    },
    Taught {
        title: "Judo",
        word: "judo",
        coach: TOMASZ,
        days: &[Weekday::Tue],
        from: (18, 30),
        minutes: 90,
        location: HALL,
        capacity: 18,
        fee: 0,
        ages: 14..=50,
        regulars: 12,
        description: "For young people and adults, from the first throw to the next grading.",
    },
    Taught {
        title: "Children's gymnastics",
        word: "gymnastics",
        coach: AYLIN,
        days: &[Weekday::Wed],
        from: (15, 30),
        minutes: 60,
        location: HALL,
        capacity: 14,
        fee: 0,
        ages: 5..=10,
        regulars: 12,
        description: "Climbing, balancing, swinging: every week another course through the hall.",
    },
    Taught {
        title: "Yoga for beginners",
        word: "yoga-beginners",
        coach: INES,
        days: &[Weekday::Mon],
        from: (18, 30),
        minutes: 75,
        location: STUDIO,
        capacity: 8,
        fee: 800,
        ages: 19..=70,
        regulars: 15,
        description: "Slowly, with time for questions. Mats are there; bring a blanket.",
    },
    Taught {
        title: "Yoga",
        word: "yoga",
        coach: INES,
        days: &[Weekday::Wed],
        from: (19, 30),
        minutes: 90,
        location: STUDIO,
        capacity: 12,
        fee: 800,
        ages: 19..=65,
        regulars: 9,
        description: "A flowing practice for those who know the basic postures.",
    },
    Taught {
        title: "Back fitness",
        word: "back-fitness",
        coach: MIRIAM,
        days: &[Weekday::Thu],
        from: (18, 0),
        minutes: 60,
        location: HALL,
        capacity: 14,
        fee: 500,
        ages: 30..=80,
        regulars: 10,
        description: "Strengthens what sits too much. For every age.",
    },
    Taught {
        title: "Badminton",
        word: "badminton",
        coach: HENRIK,
        days: &[Weekday::Fri],
        from: (20, 0),
        minutes: 120,
        location: HALL,
        capacity: 20,
        fee: 0,
        ages: 16..=60,
        regulars: 14,
        description: "Half an hour of training, then games on four courts. Rackets can be borrowed.",
    },
    Taught {
        title: "Functional training",
        word: "functional",
        coach: STEFAN,
        days: &[Weekday::Mon, Weekday::Thu],
        from: (20, 0),
        minutes: 60,
        location: HALL,
        capacity: 12,
        fee: 600,
        ages: 18..=50,
        regulars: 8,
        description: "Circuits with your own weight, ropes and kettlebells.",
    },
    Taught {
        title: "Running group",
        word: "running",
        coach: STEFAN,
        days: &[Weekday::Sat],
        from: (9, 0),
        minutes: 70,
        location: "Boathouse",
        capacity: 25,
        fee: 0,
        ages: 18..=75,
        regulars: 8,
        description: "Two paces, one round along the river, coffee afterwards.",
    },
];

/// Yoga for beginners: the course with a line.
pub(super) const YOGA_FOR_BEGINNERS: Course = Course(3);
/// Back fitness.
pub(super) const BACK_FITNESS: Course = Course(5);
/// Functional training.
pub(super) const FUNCTIONAL_TRAINING: Course = Course(7);
/// Judo.
pub(super) const JUDO: Course = Course(1);
/// Children's gymnastics.
pub(super) const GYMNASTICS: Course = Course(2);
/// Judo for children.
pub(super) const JUDO_FOR_CHILDREN: Course = Course(0);

impl Course {
    /// All of the term.
    pub(super) fn all() -> impl Iterator<Item = Course> {
        (0..TERM.len()).map(Course)
    }

    /// What it is.
    pub(super) fn taught(self) -> &'static Taught {
        &TERM[self.0]
    }
}

impl Taught {
    /// Its rule, as iCalendar has it.
    pub(super) fn rule(&self) -> String {
        let days: Vec<String> = self
            .days
            .iter()
            .map(|day| day.to_string().chars().take(2).collect::<String>().to_uppercase())
            .collect();
        format!("FREQ=WEEKLY;BYDAY={}", days.join(","))
    }
}

/// A class that there is once.
#[derive(Debug)]
pub(super) struct Once {
    pub(super) title: &'static str,
    pub(super) coach: Who,
    /// So many days from today.
    pub(super) in_days: i64,
    /// At a time when no course is.
    pub(super) from: (u32, u32),
    pub(super) minutes: i32,
    pub(super) location: &'static str,
    pub(super) capacity: i32,
    pub(super) fee: i64,
    pub(super) description: &'static str,
    /// It was planned so many days before it.
    pub(super) planned: u32,
    /// So many want to come.
    pub(super) wanted_by: usize,
    /// Why it does not take place.
    pub(super) called_off: Option<&'static str>,
}

/// What there is once.
pub(super) const ONCE: [Once; 4] = [
    Once {
        title: "Open day of the club",
        coach: HENRIK,
        in_days: -40,
        from: (13, 0),
        minutes: 120,
        location: HALL,
        capacity: 60,
        fee: 0,
        description: "Try everything, with cake.",
        planned: 30,
        wanted_by: 26,
        called_off: None,
    },
    Once {
        title: "Self-defence workshop",
        coach: TOMASZ,
        in_days: 9,
        from: (13, 0),
        minutes: 120,
        location: HALL,
        capacity: 12,
        fee: 1500,
        description: "Twelve places, two hours, no experience needed.",
        planned: 35,
        wanted_by: 16,
        called_off: None,
    },
    Once {
        title: "Introduction to archery",
        coach: HENRIK,
        in_days: 5,
        from: (14, 0),
        minutes: 90,
        location: "Meadow behind the boathouse",
        capacity: 10,
        fee: 0,
        description: "The archers of the next village bring bows for everybody.",
        planned: 20,
        wanted_by: 6,
        called_off: None,
    },
    Once {
        title: "Night run",
        coach: STEFAN,
        in_days: 3,
        from: (22, 0),
        minutes: 60,
        location: "Boathouse",
        capacity: 30,
        fee: 0,
        description: "Bring a headlamp.",
        planned: 18,
        wanted_by: 8,
        called_off: Some("The path along the river is closed: the bridge is being repaired."),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_those_of_icalendar() {
        assert_eq!(YOGA_FOR_BEGINNERS.taught().rule(), "FREQ=WEEKLY;BYDAY=MO");
        assert_eq!(FUNCTIONAL_TRAINING.taught().rule(), "FREQ=WEEKLY;BYDAY=MO,TH");
        let words = [JUDO_FOR_CHILDREN, JUDO, GYMNASTICS, BACK_FITNESS].map(|course| course.taught().word);
        assert_eq!(words, ["judo-children", "judo", "gymnastics", "back-fitness"]);
    }

    #[test]
    fn nobody_has_two_courses_at_once() {
        let times: Vec<_> = Course::all()
            .map(Course::taught)
            .flat_map(|it| it.days.iter().map(move |day| (*day, it.from, it.minutes)))
            .map(|(day, (hour, minute), minutes)| {
                let from = hour * 60 + minute;
                (day, from, from + minutes.unsigned_abs())
            })
            .collect();
        for (at, (day, from, until)) in times.iter().enumerate() {
            let others = times.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
            assert!(others.filter(|it| it.0 == *day).all(|it| it.2 <= *from || it.1 >= *until));
            for once in &ONCE {
                let begins = once.from.0 * 60 + once.from.1;
                assert!(begins >= *until || begins + once.minutes.unsigned_abs() <= *from, "{}", once.title);
            }
        }
    }
}
