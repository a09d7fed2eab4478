//! Signs of life, for whoever watches over the program.

use std::time::Duration;

use actix_web::{HttpResponse, get, web};
use metrics_exporter_prometheus::PrometheusHandle;
use muster_kernel::db::Db;
use muster_kernel::fault::{Code, Fault};
use muster_kernel::http::Reply;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::bus::Redis;

/// A database that takes longer than this is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// Mounts them outside of `/api`.
pub(crate) fn mount(config: &mut ServiceConfig<'_>) {
    config.service(live).service(ready).service(metrics);
}

/// The program runs.
#[utoipa::path(tag = "operations", responses((status = 200, description = "It runs", body = Object)))]
#[get("/health/live")]
async fn live() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body("{\"status\":\"live\"}")
}

/// The program can serve requests: its database answers. It is `degraded` while Redis, where there is one, is away: then
/// gateways meet in the database.
#[utoipa::path(tag = "operations", responses(
    (status = 200, description = "It can serve requests", body = Object),
    (status = 503, description = "It cannot at the moment")
))]
#[get("/health/ready")]
async fn ready(db: web::Data<Db>, redis: Option<web::Data<Redis>>) -> Result<Reply, Fault> {
    let not_ready = |detail| Fault::new(Code::Unavailable, detail).retry_after(5);
    match tokio::time::timeout(PATIENCE, db.ping()).await {
        Ok(Ok(())) => Reply::plain(&match redis.map(|redis| redis.is_there()) {
            None => json!({ "status": "ready", "database": "ok" }),
            Some(true) => json!({ "status": "ready", "database": "ok", "bus": "ok" }),
            Some(false) => json!({ "status": "degraded", "database": "ok", "bus": "away" }),
        }),
        Ok(Err(e)) => Err(not_ready("The database does not answer.").because(e)),
        Err(_) => Err(not_ready("The database takes too long to answer.")),
    }
}

/// Measurements for Prometheus, where the configuration asks for them.
#[utoipa::path(
    tag = "operations",
    responses(
        (status = 200, description = "The measurements", body = String, content_type = "text/plain"),
        (status = 404, description = "Not configured")
    ),
    extensions(("x-public" = json!(true)))
)]
#[get("/metrics")]
async fn metrics(handle: Option<web::Data<PrometheusHandle>>) -> Result<HttpResponse, Fault> {
    let handle = handle.ok_or_else(Fault::not_found)?;
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render()))
}
