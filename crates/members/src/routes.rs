//! The routes of this crate, to be mounted below `/api`.

mod export;
mod guardians;
mod history;
mod imports;
mod list;
mod moves;
mod record;
mod shown;

use utoipa_actix_web::service_config::ServiceConfig;

/// Mounts all of them. What has a word where an id could stand comes before what takes an id.
pub fn mount(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_members)
        .service(export::export_members)
        .service(imports::import_members)
        .service(imports::list_imports)
        .service(imports::get_import)
        .service(imports::list_lines)
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
        .service(guardians::add_dependant);
}
