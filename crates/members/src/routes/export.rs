//! The list of all members as a file.

use actix_web::{get, web};
use muster_auth::Can;
use muster_auth::permissions::ExportMembers;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{CsvPages, Params};
use muster_kernel::text_enum;
use serde::Deserialize;

use crate::export;

text_enum! {
    /// The form of the list.
    pub(super) enum ExportFormat {
        /// There is no other.
        Csv = "csv",
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// It is CSV whether you say so or not.
    #[param(inline)]
    #[expect(dead_code, reason = "there is nothing to choose")]
    format: Option<ExportFormat>,
}

/// The list of all members as CSV: the columns of an import, then what the club keeps beside them.
#[utoipa::path(
    tag = "members",
    params(ExportQuery),
    responses((status = 200, description = "The list", body = String, content_type = "text/csv")),
    extensions(("x-permission" = json!("members.export")))
)]
#[get("/members/export")]
pub(super) async fn export_members(
    can: Can<ExportMembers>,
    _query: Params<ExportQuery>,
    db: web::Data<Db>,
) -> Result<CsvPages, Fault> {
    let now = db.clock().now();
    let page = move |conn: &mut _, after, limit| export::page(conn, &can, after, limit, now);
    CsvPages::read(&db, "members", &export::COLUMNS, page).await
}
