//! The application: every domain's routes, and what goes round them.

use actix_cors::Cors;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, Error, web};
use metrics_exporter_prometheus::PrometheusHandle;
use muster_auth::{Accounts, Site, authenticate};
use muster_chat::{Hub, Worker};
use muster_classes::calendar::Calendar;
use muster_finance::PrepaidFees;
use muster_kernel::db::Db;
use muster_kernel::http::{EnvelopeOptions, RateLimits, envelope, limit_rate};
use muster_members::Members;
use utoipa_actix_web::AppExt;

use crate::bus::Redis;
use crate::docs::{self, Docs};
use crate::operations::{Operations, nothing_here, refuse_unknown_parameters};
use crate::{Config, Exit, Switch, domains, health, pages};

/// What all workers share.
#[derive(Clone)]
pub struct AppState {
    db: web::Data<Db>,
    accounts: web::Data<Accounts>,
    members: web::Data<Members>,
    calendar: web::Data<Calendar>,
    prepaid_fees: web::Data<PrepaidFees>,
    hub: web::Data<Hub>,
    site: web::Data<Site>,
    limits: web::Data<RateLimits>,
    envelope: web::Data<EnvelopeOptions>,
    docs: web::Data<Docs>,
    operations: web::Data<Operations>,
    metrics: Option<web::Data<PrometheusHandle>>,
    redis: Option<web::Data<Redis>>,
    origins: Vec<String>,
}

impl AppState {
    /// The state of a gateway with this configuration.
    ///
    /// # Errors
    /// When the configuration cannot be.
    pub fn new(
        config: &Config,
        db: Db,
        accounts: Accounts,
        metrics: Option<PrometheusHandle>,
    ) -> Result<AppState, Exit> {
        let home = config.public_url()?;
        let https = home.as_ref().is_some_and(|url| url.starts_with("https://"));
        let origins: Vec<_> = config.origins().map(str::to_owned).collect();
        let limits = RateLimits::new(config.rate_limits == Switch::On, config.proxies()?);
        let docs = Docs::new().map_err(Exit::failed)?;
        Ok(AppState {
            operations: web::Data::new(Operations::of(docs.document())),
            hub: web::Data::new(Hub::new(db.clone(), config.rate_limits == Switch::On)),
            db: web::Data::new(db),
            members: web::Data::new(domains::members(&accounts)),
            calendar: web::Data::new(Calendar::new(accounts.home())),
            prepaid_fees: web::Data::new(domains::prepaid_fees()),
            accounts: web::Data::new(accounts),
            site: web::Data::new(Site::new(home.as_deref(), origins.iter().cloned())),
            limits: web::Data::new(limits),
            envelope: web::Data::new(EnvelopeOptions {
                https,
                pages: &[docs::PAGES, pages::PAGES],
                ..EnvelopeOptions::default()
            }),
            docs: web::Data::new(docs),
            metrics: metrics.map(web::Data::new),
            redis: None,
            origins,
        })
    }

    /// The same with Redis between this gateway and others.
    #[must_use]
    pub(crate) fn with_redis(self, redis: Redis) -> AppState {
        AppState { redis: Some(web::Data::new(redis)), ..self }
    }

    /// What brings news of the database to the sockets of this gateway.
    pub fn hub(&self) -> Hub {
        self.hub.get_ref().clone()
    }

    /// Pages of other origins, as far as the configuration names them.
    fn cors(&self) -> Cors {
        let mut cors = Cors::default()
            .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
            .allowed_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::ACCEPT,
                header::ACCEPT_LANGUAGE,
            ])
            .allowed_headers([header::IF_MATCH, header::IF_NONE_MATCH])
            .allowed_headers(["idempotency-key", "x-request-id"])
            .expose_headers(["etag", "location", "link", "retry-after", "ratelimit", "ratelimit-policy"])
            .expose_headers(["x-request-id", "idempotency-replayed"])
            .supports_credentials()
            // What another origin may read is decided here; what it may do, by who is signed in.
            .block_on_origin_mismatch(false)
            .max_age(3600);
        for origin in &self.origins {
            cors = cors.allowed_origin(origin);
        }
        cors
    }
}

/// The application. The last one to wrap is the first one a request meets.
pub fn app(
    state: &AppState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    let mut app = App::new()
        .app_data(state.db.clone())
        .app_data(state.accounts.clone())
        .app_data(state.members.clone())
        .app_data(state.calendar.clone())
        .app_data(state.prepaid_fees.clone())
        .app_data(state.hub.clone())
        // This is asked for once on each thread that answers requests.
        .app_data(Worker::new(&state.hub))
        .app_data(state.site.clone())
        .app_data(state.limits.clone())
        .app_data(state.envelope.clone())
        .app_data(state.docs.clone())
        .app_data(state.operations.clone());
    if let Some(metrics) = &state.metrics {
        app = app.app_data(metrics.clone());
    }
    if let Some(redis) = &state.redis {
        app = app.app_data(redis.clone());
    }
    let (app, _) = app
        .into_utoipa_app()
        .configure(health::mount)
        .configure(docs::mount)
        .configure(pages::mount)
        .service(
            utoipa_actix_web::scope("/api")
                .map(|api| api.wrap(from_fn(refuse_unknown_parameters)).wrap(from_fn(authenticate)))
                .configure(domains::mount),
        )
        .split_for_parts();
    app.default_service(web::to(nothing_here))
        .wrap(from_fn(limit_rate))
        .wrap(Condition::new(!state.origins.is_empty(), state.cors()))
        .wrap(Compress::default())
        .wrap(from_fn(envelope))
}
