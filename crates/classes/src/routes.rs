//! The routes of this crate, to be mounted below `/api`.

mod attendance;
mod bookings;
mod classes;
mod door;
mod overview;
mod ratings;
mod series;
mod shown;

use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts all of them. What has a word where an id could stand comes before what takes an id.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(classes::list_classes)
        .service(classes::plan_class)
        .service(classes::get_class)
        .service(classes::patch_class)
        .service(classes::cancel_class)
        .service(attendance::complete_class)
        .service(attendance::get_attendance)
        .service(attendance::put_attendance)
        .service(door::make_check_in_code)
        .service(door::check_in)
        .service(ratings::get_rating)
        .service(ratings::rate_class)
        .service(bookings::book)
        .service(bookings::list_of_class)
        .service(bookings::list_bookings)
        .service(bookings::get_booking)
        .service(bookings::get_quote)
        .service(bookings::cancel_booking)
        .service(bookings::move_booking)
        .service(bookings::list_attendance_of)
        .service(classes::list_of_coach)
        .service(overview::get_overview)
        .service(series::list_series)
        .service(series::plan_series)
        .service(series::get_series)
        .service(series::patch_series)
        .service(series::delete_series);
}

/// Which part of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PageQuery {
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
    /// Also tell how many there are in all.
    count: Option<bool>,
}
