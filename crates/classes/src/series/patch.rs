//! What is to change of a series, and what it makes of the series and of one of its sessions.

use muster_coaches::check_coach;
use muster_kernel::db::Tx;
use muster_kernel::fault::Fault;
use muster_kernel::patch::present;
use muster_kernel::{Fields, Minor, UserId};
use serde::{Deserialize, Serialize};

use super::sessions::at;
use super::{LOCAL, Series, read_local};
use crate::class::Class;
use crate::planning::{Checked, span};
use crate::recurrence;

/// What is to change of a series; what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct SeriesPatch {
    /// What its sessions are called.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120))]
    pub class_title: Option<String>,
    /// Who teaches them.
    pub coach_id: Option<UserId>,
    /// How long each is.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 1440))]
    pub duration_minutes: Option<i32>,
    /// Where they are.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 120))]
    pub location: Option<String>,
    /// How many places each has.
    #[cfg_attr(feature = "http", schema(minimum = 1, maximum = 10_000))]
    pub capacity: Option<i32>,
    /// What a place costs from now on.
    #[cfg_attr(feature = "http", schema(minimum = 0, maximum = 100_000_000))]
    pub fee: Option<Minor>,
    /// More about it; null takes it away.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "http", schema(value_type = Option<String>, min_length = 1, max_length = 4000))]
    pub description: Option<Option<String>>,
    /// Another rule: it begins a new series, which is the answer. Not for one session.
    #[cfg_attr(feature = "http", schema(min_length = 1, max_length = 200))]
    pub rrule: Option<String>,
    /// Another time of the day; with a new rule, from when on it holds. Not for one session.
    #[cfg_attr(feature = "http", schema(max_length = 19))]
    pub local_start: Option<String>,
}

impl SeriesPatch {
    /// What the series would be, checked as far as the fields say it.
    pub(super) fn applied_to(
        &self,
        tx: &mut Tx<'_>,
        before: &Series,
        fields: &mut Fields,
    ) -> Result<Series, Fault> {
        let mut after = before.clone();
        if let Some(title) = &self.class_title {
            after.class_title.clone_from(title);
        }
        if let Some(location) = &self.location {
            after.location.clone_from(location);
        }
        if let Some(description) = &self.description {
            after.description.clone_from(description);
        }
        after.coach_id = self.coach_id.unwrap_or(after.coach_id);
        after.duration_minutes = self.duration_minutes.unwrap_or(after.duration_minutes);
        after.capacity = self.capacity.unwrap_or(after.capacity);
        after.fee = self.fee.unwrap_or(after.fee);
        Checked {
            class_title: &after.class_title,
            duration_minutes: after.duration_minutes,
            location: &after.location,
            capacity: after.capacity,
            fee: after.fee,
            description: after.description.as_deref(),
        }
        .check(fields);
        if after.coach_id != before.coach_id {
            check_coach(tx, "/coach_id", after.coach_id, fields)?;
        }
        let (Some(text), None) = (&self.local_start, &self.rrule) else { return Ok(after) };
        let start = read_local("/local_start", text, fields);
        if let (Some(new), Some(old)) = (start, before.start()) {
            let fine = new.date() == old.date();
            let say = "Only the time of the day changes without a new rule; leave the day as it is.";
            fields.must(fine, "/local_start", "does_not_fit", say);
            after.local_start = old.date().and_time(new.time()).format(LOCAL).to_string();
        }
        Ok(after)
    }

    /// What one session would be with it; what was changed of it by hand stays unless this is by hand, too.
    pub(super) fn shape(&self, class: &Class, series: &Series, by_hand: bool) -> Class {
        let mut after = class.clone();
        let mine: Vec<&str> = match by_hand {
            true => Vec::new(),
            false => class.changed_by_hand.split_whitespace().collect(),
        };
        let free = |name: &str| !mine.contains(&name);
        if let Some(title) = self.class_title.as_ref().filter(|_| free("class_title")) {
            after.class_title.clone_from(title);
        }
        if let Some(location) = self.location.as_ref().filter(|_| free("location")) {
            after.location.clone_from(location);
        }
        if let Some(description) = self.description.as_ref().filter(|_| free("description")) {
            after.description.clone_from(description);
        }
        after.coach_id = self.coach_id.filter(|_| free("coach_id")).unwrap_or(after.coach_id);
        after.capacity = self.capacity.filter(|_| free("capacity")).unwrap_or(after.capacity);
        after.fee = self.fee.filter(|_| free("fee")).unwrap_or(after.fee);
        if let Some(minutes) = self.duration_minutes.filter(|_| free("duration_minutes")) {
            after.duration_minutes = minutes;
        }
        let mut starts_at = after.starts_at;
        if let (Some(_), Some(start), true) = (&self.local_start, series.start(), free("class_datetime")) {
            let zone = series.zone();
            let moved = class.local_date.and_time(start.time());
            starts_at = at(zone, &moved);
            after.local_date = recurrence::local(zone, starts_at.utc()).date();
        }
        (after.starts_at, after.ends_at) = span(starts_at, after.duration_minutes);
        after
    }
}
