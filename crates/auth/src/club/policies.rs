//! The rules that a club sets for itself.

use muster_kernel::{Fields, Minor, text_enum};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Role;

text_enum! {
    /// What a booking nobody marked counts as when its class is completed by itself.
    pub enum Unmarked {
        /// They were there.
        Attended = "attended",
        /// They were not there.
        NoShow = "no_show",
        /// They were not there and need not pay.
        Excused = "excused",
    }
}

/// Every policy with its value. What the database does not mention has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct Policies {
    /// So long before the start a booking can be cancelled free of charge.
    pub cancel_deadline_minutes: i32,
    /// So long after booking or promotion it can be cancelled free of charge whatever the deadline.
    pub cancel_grace_minutes: i32,
    /// So long before the start waiting members stop being promoted.
    pub promotion_cutoff_minutes: i32,
    /// So long before the start attendance can be taken.
    pub attendance_opens_minutes: i32,
    /// So long after its end a class is completed by itself.
    pub auto_complete_minutes: i32,
    /// What a booking nobody marked then counts as.
    pub unmarked_counts_as: Unmarked,
    /// So many weeks ahead the sessions of a series are made.
    pub series_horizon_weeks: i32,
    /// Whoever has one of these roles needs a second factor.
    pub require_totp_for: Vec<Role>,
    /// So many days after the due date overdue dues are reminded of.
    pub dues_reminder_days: Vec<i32>,
    /// What the club adds to these reminders in its own words.
    pub dues_reminder_text: Option<String>,
    /// Whether attendance changes the next dues.
    pub attendance_discount: Option<AttendanceDiscount>,
}

/// The most regular members of a month pay less, the others more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct AttendanceDiscount {
    /// For so many of the most regular; this or `from`.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 10000))]
    pub top: Option<i32>,
    /// From so many attended classes in the month; this or `top`.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 1000))]
    pub from: Option<i32>,
    /// What they pay less.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 1_000_000))]
    pub discount: Minor,
    /// What the others pay more.
    #[serde(default)]
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 1_000_000))]
    pub surcharge: Minor,
}

impl Default for Policies {
    fn default() -> Self {
        Policies {
            cancel_deadline_minutes: 24 * 60,
            cancel_grace_minutes: 15,
            promotion_cutoff_minutes: 2 * 60,
            attendance_opens_minutes: 30,
            auto_complete_minutes: 24 * 60,
            unmarked_counts_as: Unmarked::Attended,
            series_horizon_weeks: 12,
            require_totp_for: Vec::new(),
            dues_reminder_days: vec![3, 14, 30],
            dues_reminder_text: None,
            attendance_discount: None,
        }
    }
}

/// Policies to change; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct PoliciesPatch {
    /// 0 to 43,200 minutes.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 43200))]
    pub cancel_deadline_minutes: Option<i32>,
    /// 0 to 1,440 minutes.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 1440))]
    pub cancel_grace_minutes: Option<i32>,
    /// 0 to 43,200 minutes.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 43200))]
    pub promotion_cutoff_minutes: Option<i32>,
    /// 0 to 1,440 minutes.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 1440))]
    pub attendance_opens_minutes: Option<i32>,
    /// 0 to 43,200 minutes.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 43200))]
    pub auto_complete_minutes: Option<i32>,
    /// `attended`, `no_show` or `excused`.
    pub unmarked_counts_as: Option<Unmarked>,
    /// 1 to 52 weeks.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 52))]
    pub series_horizon_weeks: Option<i32>,
    /// Roles, each once.
    #[cfg_attr(feature = "http", schema(max_items = 4))]
    pub require_totp_for: Option<Vec<Role>>,
    /// Rising numbers of days, 1 to 365, ten at most.
    #[cfg_attr(feature = "http", schema(max_items = 10))]
    pub dues_reminder_days: Option<Vec<i32>>,
    /// What the club adds to these reminders in its own words, 1 to 2,000 characters; null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 2000))]
    pub dues_reminder_text: Option<Option<String>>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[cfg_attr(feature = "http", schema(value_type = Option<AttendanceDiscount>))]
    pub attendance_discount: Option<Option<AttendanceDiscount>>,
}

/// Tells `null` from a field that is not there.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl PoliciesPatch {
    pub(super) fn apply(&self, policies: &mut Policies, fields: &mut Fields) {
        let day = 24 * 60;
        let month = 30 * day;
        let mut number = |name: &str, given: Option<i32>, value: &mut i32, range| {
            if let Some(given) = given {
                fields.number(&format!("/policies/{name}"), given, range);
                *value = given;
            }
        };
        number(
            "cancel_deadline_minutes",
            self.cancel_deadline_minutes,
            &mut policies.cancel_deadline_minutes,
            0..=month,
        );
        number(
            "cancel_grace_minutes",
            self.cancel_grace_minutes,
            &mut policies.cancel_grace_minutes,
            0..=day,
        );
        number(
            "promotion_cutoff_minutes",
            self.promotion_cutoff_minutes,
            &mut policies.promotion_cutoff_minutes,
            0..=month,
        );
        number(
            "attendance_opens_minutes",
            self.attendance_opens_minutes,
            &mut policies.attendance_opens_minutes,
            0..=day,
        );
        number(
            "auto_complete_minutes",
            self.auto_complete_minutes,
            &mut policies.auto_complete_minutes,
            0..=month,
        );
        number("series_horizon_weeks", self.series_horizon_weeks, &mut policies.series_horizon_weeks, 1..=52);
        if let Some(unmarked) = self.unmarked_counts_as {
            policies.unmarked_counts_as = unmarked;
        }
        if let Some(roles) = &self.require_totp_for {
            let mut sorted = roles.clone();
            sorted.sort();
            sorted.dedup();
            let pointer = "/policies/require_totp_for";
            fields.must(sorted.len() == roles.len(), pointer, "duplicate", "Each role once.");
            // Everybody is a member: there would be nothing left to act in while setting one up.
            let fine = !roles.contains(&Role::Member);
            fields.must(fine, pointer, "invalid", "Coaches, treasurers and admins can be asked for one.");
            policies.require_totp_for = sorted;
        }
        if let Some(days) = &self.dues_reminder_days {
            let fine = days.len() <= 10
                && days.iter().all(|day| (1..=365).contains(day))
                && days.windows(2).all(|pair| pair[0] < pair[1]);
            let pointer = "/policies/dues_reminder_days";
            fields.must(fine, pointer, "invalid", "Rising numbers of days from 1 to 365, ten at most.");
            policies.dues_reminder_days.clone_from(days);
        }
        if let Some(text) = &self.dues_reminder_text {
            if let Some(text) = text {
                fields.lines("/policies/dues_reminder_text", text, 1..=2_000);
            }
            policies.dues_reminder_text.clone_from(text);
        }
        if let Some(discount) = &self.attendance_discount {
            if let Some(discount) = discount {
                discount.check(fields);
            }
            policies.attendance_discount.clone_from(discount);
        }
    }
}

impl AttendanceDiscount {
    fn check(&self, fields: &mut Fields) {
        let at = |name: &str| format!("/policies/attendance_discount/{name}");
        let one = self.top.is_some() != self.from.is_some();
        fields.must(one, "/policies/attendance_discount", "invalid", "Give either `top` or `from`.");
        fields.number(&at("top"), self.top.unwrap_or(1), 1..=10_000);
        fields.number(&at("from"), self.from.unwrap_or(1), 1..=1_000);
        fields.number(&at("discount"), self.discount.0, 0..=1_000_000);
        fields.number(&at("surcharge"), self.surcharge.0, 0..=1_000_000);
    }
}
