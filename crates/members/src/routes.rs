//! The routes of this crate, to be mounted below `/api`.

mod dues;
mod export;
mod guardians;
mod history;
mod imports;
mod list;
mod moves;
mod plans;
mod record;
mod shown;

use serde::Deserialize;
use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts all of them. What has a word where an id could stand comes before what takes an id.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_members)
        .service(export::export_members)
        .service(imports::import_members)
        .service(imports::list_imports)
        .service(imports::get_import)
        .service(imports::list_import_lines)
        .service(record::get_member)
        .service(record::patch_member)
        .service(history::get_history)
        .service(moves::approve)
        .service(moves::reject)
        .service(moves::suspend)
        .service(moves::reinstate)
        .service(moves::leave)
        .service(moves::reapply)
        .service(guardians::set_guardians)
        .service(guardians::list_dependants)
        .service(guardians::add_dependant)
        .service(plans::list_plans)
        .service(plans::make_plan)
        .service(plans::get_plan)
        .service(plans::patch_plan)
        .service(plans::put_on_plan)
        .service(dues::run_dues)
        .service(dues::list_dues_runs)
        .service(dues::get_dues_run)
        .service(dues::list_dues_lines);
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
