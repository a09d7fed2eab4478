//! From a text to a rule. The `rrule` crate would take more than is meant: it reads a weekday that it does not
//! understand as every one, and times without a zone in that of the machine. So the text is read here, and the crate
//! is only given what was understood.

use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{NaiveDate, NaiveDateTime, Weekday};
use chrono_tz::Tz;

use super::{Day, End, Every, Recurrence, Wrong, zones};

/// The longest text.
const MOST_CHARACTERS: usize = 200;

pub(super) fn read(text: &str, zone: Tz) -> Result<Recurrence, Wrong> {
    if text.chars().count() > MOST_CHARACTERS {
        return Err(wrong("too_long", format!("At most {MOST_CHARACTERS} characters.")));
    }
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(invalid("One line without spaces, such as FREQ=WEEKLY;BYDAY=MO,TH."));
    }
    let text = text.to_ascii_uppercase();
    let parts = Parts::of(text.strip_prefix("RRULE:").unwrap_or(&text))?;
    let every = match parts.value("FREQ") {
        Some("DAILY") => Every::Day,
        Some("WEEKLY") => Every::Week,
        Some("MONTHLY") => Every::Month,
        Some("YEARLY") => Every::Year,
        Some("HOURLY" | "MINUTELY" | "SECONDLY") => {
            return Err(unsupported("There is at most one class a day."));
        }
        Some(_) => return Err(invalid("FREQ is DAILY, WEEKLY, MONTHLY or YEARLY.")),
        None => return Err(invalid("FREQ is missing.")),
    };
    let rule = Recurrence {
        every,
        interval: parts.number("INTERVAL", 1..=100)?.unwrap_or(1),
        end: end(&parts, zone)?,
        months: parts.numbers("BYMONTH", 1..=12)?,
        weeks: parts.numbers("BYWEEKNO", -53..=53)?,
        month_days: parts.numbers("BYMONTHDAY", -31..=31)?,
        days: days(&parts)?,
        positions: parts.numbers("BYSETPOS", -366..=366)?,
        week_start: match parts.value("WKST") {
            Some(day) => weekday(day).ok_or_else(|| invalid("WKST is a weekday, such as MO."))?,
            None => Weekday::Mon,
        },
    };
    fits_together(&rule)?;
    Ok(rule)
}

/// The parts that RFC 5545 does not allow together, and those on which the libraries do not agree.
fn fits_together(rule: &Recurrence) -> Result<(), Wrong> {
    let is_counted = |day: &Day| day.nth != 0;
    if rule.days.iter().any(is_counted) {
        if !matches!(rule.every, Every::Month | Every::Year) || !rule.weeks.is_empty() {
            return Err(invalid("A number before a weekday goes with FREQ=MONTHLY or YEARLY only."));
        }
        // As far as the crate goes.
        let (least, most) = if rule.every == Every::Month { (-4, 5) } else { (-52, 53) };
        if rule.days.iter().any(|day| !(least..=most).contains(&day.nth)) {
            return Err(wrong(
                "out_of_range",
                format!("A number before a weekday is from {least} to {most}."),
            ));
        }
        if !rule.days.iter().all(is_counted) {
            return Err(unsupported("Weekdays either all have a number before them or none has."));
        }
    }
    if rule.every == Every::Week && !rule.month_days.is_empty() {
        return Err(invalid("BYMONTHDAY does not go with FREQ=WEEKLY."));
    }
    if rule.every != Every::Year && !rule.weeks.is_empty() {
        return Err(invalid("BYWEEKNO goes with FREQ=YEARLY only."));
    }
    let chooses_from_nothing =
        rule.months.is_empty() && rule.weeks.is_empty() && rule.month_days.is_empty() && rule.days.is_empty();
    if !rule.positions.is_empty() && chooses_from_nothing {
        return Err(invalid("BYSETPOS chooses among what another BY… gives."));
    }
    let days = match rule.every {
        Every::Day => 1,
        Every::Week => 7,
        Every::Month => 31,
        Every::Year => 366,
    };
    if rule.positions.iter().any(|position| position.abs() > days) {
        return Err(wrong("out_of_range", format!("BYSETPOS is from -{days} to {days} here.")));
    }
    Ok(())
}

fn end(parts: &Parts<'_>, zone: Tz) -> Result<End, Wrong> {
    let count = parts.number("COUNT", 1..=1000)?;
    match (count, parts.value("UNTIL")) {
        (Some(_), Some(_)) => Err(invalid("Either COUNT or UNTIL, not both.")),
        (Some(count), None) => Ok(End::After(count)),
        (None, Some(until)) => last_time(until, zone)
            .ok_or_else(|| invalid("UNTIL is a date or a time, such as 20261231 or 20261231T190000Z.")),
        (None, None) => Ok(End::Never),
    }
}

/// `20261231`, `20261231T190000` or `20261231T190000Z`.
fn last_time(text: &str, zone: Tz) -> Option<End> {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let date = |text: &str| {
        (text.len() == 8 && digits(text)).then(|| NaiveDate::parse_from_str(text, "%Y%m%d").ok())?
    };
    let Some((day, time)) = text.split_once('T') else { return date(text).map(End::On) };
    let clock = time.strip_suffix('Z').unwrap_or(time);
    date(day)?;
    if clock.len() != 6 || !digits(clock) {
        return None;
    }
    let read = NaiveDateTime::parse_from_str(&format!("{day}T{clock}"), "%Y%m%dT%H%M%S").ok()?;
    Some(End::At(if clock == time { read } else { zones::local(zone, read.and_utc()) }))
}

fn days(parts: &Parts<'_>) -> Result<Vec<Day>, Wrong> {
    let Some(text) = parts.value("BYDAY") else { return Ok(Vec::new()) };
    let read = text.split(',').map(day).collect::<Option<Vec<_>>>();
    let mut days =
        read.ok_or_else(|| invalid("BYDAY is a list of weekdays, such as MO,TH or 2TU or -1FR."))?;
    days.sort_by_key(|day| (day.nth, day.weekday.num_days_from_monday()));
    days.dedup();
    Ok(days)
}

fn day(text: &str) -> Option<Day> {
    let (nth, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let nth = match nth {
        "" => 0,
        nth => whole::<i16>(nth).filter(|nth| *nth != 0)?,
    };
    Some(Day { weekday: weekday(name)?, nth })
}

fn weekday(name: &str) -> Option<Weekday> {
    Some(match name {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    })
}

/// A whole number as iCalendar writes it: at most three digits, with or without a sign.
fn whole<N: FromStr>(text: &str) -> Option<N> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let fine = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fine.then(|| text.parse().ok())?
}

/// `KEY=value` after `KEY=value`.
struct Parts<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Parts<'a>, Wrong> {
        let mut parts: Vec<(&str, &str)> = Vec::new();
        for part in text.split(';') {
            let Some((key, value)) = part.split_once('=') else {
                return Err(invalid("Parts such as FREQ=WEEKLY with semicolons between them."));
            };
            match key {
                "FREQ" | "INTERVAL" | "COUNT" | "UNTIL" | "WKST" => {}
                "BYMONTH" | "BYWEEKNO" | "BYMONTHDAY" | "BYDAY" | "BYSETPOS" => {}
                "BYHOUR" | "BYMINUTE" | "BYSECOND" => {
                    return Err(unsupported("The time of day is that of the start, not of the rule."));
                }
                "BYYEARDAY" | "BYEASTER" | "RSCALE" | "SKIP" => {
                    return Err(unsupported("BYYEARDAY and extensions of RRULE are not known here."));
                }
                _ => return Err(invalid("There is a part in it that no RRULE has.")),
            }
            if parts.iter().any(|(known, _)| *known == key) {
                return Err(invalid("Each part once."));
            }
            parts.push((key, value));
        }
        Ok(Parts(parts))
    }

    fn value(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    fn number(&self, key: &str, range: RangeInclusive<u16>) -> Result<Option<u16>, Wrong> {
        self.value(key).map(|text| in_range(key, text, &range)).transpose()
    }

    /// A list of numbers that are not 0, in order, each once.
    fn numbers<N>(&self, key: &str, range: RangeInclusive<i32>) -> Result<Vec<N>, Wrong>
    where
        N: TryFrom<i32> + Ord,
    {
        let Some(text) = self.value(key) else { return Ok(Vec::new()) };
        let mut numbers = Vec::new();
        for text in text.split(',') {
            let number: i32 = in_range(key, text, &range)?;
            let number = N::try_from(number).ok().filter(|_| number != 0);
            numbers.push(number.ok_or_else(|| invalid(&format!("{key} has a 0 in it.")))?);
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }
}

fn in_range<N>(key: &str, text: &str, range: &RangeInclusive<N>) -> Result<N, Wrong>
where
    N: FromStr + PartialOrd + std::fmt::Display,
{
    let number = whole::<N>(text).ok_or_else(|| invalid(&format!("{key} is a number.")))?;
    if range.contains(&number) {
        Ok(number)
    } else {
        let (from, to) = (range.start(), range.end());
        Err(wrong("out_of_range", format!("{key} is from {from} to {to}.")))
    }
}

fn invalid(message: &str) -> Wrong {
    wrong("invalid", message.into())
}

fn unsupported(message: &str) -> Wrong {
    wrong("unsupported", message.into())
}

fn wrong(code: &'static str, message: String) -> Wrong {
    Wrong { code, message }
}
