//! Files of members that the club brings along.

use actix_web::{get, post, web};
use muster_auth::Can;
use muster_auth::permissions::ImportMembers;
use muster_kernel::db::Db;
use muster_kernel::fault::Fault;
use muster_kernel::http::{CsvBody, Params, PathOf, Reply};
use muster_kernel::page::{Page, PageRequest};
use serde::Deserialize;

use crate::import::{self, ImportId, Line, MemberImport, Outcome};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportQuery {
    /// Only tell what would happen, and keep nothing of it.
    dry_run: Option<bool>,
}

/// Bring people along in a CSV file. The columns `first_name` and `last_name` have to be there; `email`,
/// `date_of_birth`, `phone`, `address`, `emergency_contact`, `notes`, `external_id`, `status` (`active`, unless it says
/// `pending`) and `plan` (its name) may. Whoever is there already, by address or else by external id, stays as they
/// are. Row after row becomes an active member; nobody gets a mail.
#[utoipa::path(
    tag = "members",
    params(ImportQuery),
    request_body(
        content = String, content_type = "text/csv",
        description = "In UTF-8, separated by commas or semicolons, with a header; 16 MiB and 100,000 rows at most",
        example = "first_name,last_name,email\nAnna,Example,anna@example.org\n"
    ),
    responses((status = 202, description = "The import, which goes on by itself", body = MemberImport)),
    extensions(("x-permission" = json!("members.import")))
)]
#[post("/members/import")]
pub(super) async fn import_members(
    can: Can<ImportMembers>,
    Params(query): Params<ImportQuery>,
    CsvBody(file): CsvBody,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let import = import::receive(&db, can, file, query.dry_run.unwrap_or(false)).await?;
    let location = format!("/api/members/imports/{}", import.id);
    Ok(Reply::created(location, import.version, &import)?.status(202))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ImportsQuery {
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}

/// The imports there were, newest first.
#[utoipa::path(
    tag = "members",
    params(ImportsQuery),
    responses((status = 200, description = "A page of imports", body = Page<MemberImport>)),
    extensions(("x-permission" = json!("members.import")))
)]
#[get("/members/imports")]
pub(super) async fn list_imports(
    can: Can<ImportMembers>,
    Params(query): Params<ImportsQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("imports", query.limit, query.cursor.as_deref())?;
    let wanted = page.clone();
    let imports = db.read_one(move |conn| import::list(conn, &can, &wanted)).await?;
    Reply::page(&page.page(imports, |import| import.id.0, |import| import))
}

/// An import and how far it is.
#[utoipa::path(
    tag = "members",
    params(("id" = ImportId, Path, description = "The import")),
    responses(
        (status = 200, description = "The import", body = MemberImport),
        (status = 304, description = "As you know it: `If-None-Match` has its ETag")
    ),
    extensions(("x-permission" = json!("members.import")))
)]
#[get("/members/imports/{id}")]
pub(super) async fn get_import(
    can: Can<ImportMembers>,
    PathOf(id): PathOf<ImportId>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let import = db.read_one(move |conn| import::find(conn, &can, id)).await?;
    Reply::of(import.version, &import)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LinesQuery {
    /// Only those of which this became.
    outcome: Option<Outcome>,
    /// So many rows, 1 to 100.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// Where the page begins, as `next_cursor` said.
    cursor: Option<String>,
}

/// What became of each line of an import, in the order of the file.
#[utoipa::path(
    tag = "members",
    params(("id" = ImportId, Path, description = "The import"), LinesQuery),
    responses((status = 200, description = "A page of lines", body = Page<Line>)),
    extensions(("x-permission" = json!("members.import")))
)]
#[get("/members/imports/{id}/lines")]
pub(super) async fn list_import_lines(
    can: Can<ImportMembers>,
    PathOf(id): PathOf<ImportId>,
    Params(query): Params<LinesQuery>,
    db: web::Data<Db>,
) -> Result<Reply, Fault> {
    let page = PageRequest::read("import_lines", query.limit, query.cursor.as_deref())?;
    let wanted = page.clone();
    let outcome = query.outcome;
    let lines = db.read(move |conn| import::lines(conn, &can, id, outcome, &wanted)).await?;
    Reply::page(&page.page(lines, |line| line.line, |line| line))
}
