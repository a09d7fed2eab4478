//! `muster serve`: makes what is not there yet, then serves until it is told to stop.

use std::future::Future;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use muster_auth::{AccountOptions, Accounts, Keyring, Passwords};
use muster_chat::Hub;
use muster_kernel::Clock;
use muster_kernel::db::{Db, DbOptions};
use muster_kernel::installation;
use muster_kernel::job::Runner;
use muster_kernel::mail::Delivery;
use tokio::sync::watch;

use super::prepare_database;
use crate::bus::Redis;
use crate::server::{ConnectionLimits, ServeOptions, bind, serve};
use crate::{AppState, Config, Exit, Switch, app, data_folder, domains, domains_at_work, voice};

/// What `serve` takes beside the configuration.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServeArgs {
    /// Read the time (RFC 3339) from FILE at every look; for tests, on loopback only
    #[arg(long, value_name = "FILE")]
    pub(crate) test_clock: Option<PathBuf>,
}

/// How long requests under way may take to finish when the program is told to stop, in seconds.
const LAST_REQUESTS: u64 = 5;
/// How often the program looks for new keys.
const KEYS_LOOKED_AT: Duration = Duration::from_secs(5);
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 2048;

pub(crate) fn run(config: &Config, args: &ServeArgs) -> Result<(), Exit> {
    actix_web::rt::System::new().block_on(run_async(config, args))
}

async fn run_async(config: &Config, args: &ServeArgs) -> Result<(), Exit> {
    let told_to_stop = told_to_stop();
    // First what can be refused without leaving anything behind.
    let clock = clock(config, args)?;
    let mail = Delivery::new(&config.mail())?;
    let redis = config.redis_url.as_deref().map(Redis::at).transpose()?;
    let listeners = listen(config)?;
    data_folder::prepare(&config.data_dir)?;
    let target = config.target()?;
    let _lock = data_folder::lock(&target)?;
    let keys = Keyring::open(&config.secret_path())?;
    prepare_database(config)?;

    let db = Db::open(&target, DbOptions { clock, ..DbOptions::default() })?;
    let metrics = measure(config)?;
    let addresses = listeners
        .iter()
        .map(TcpListener::local_addr)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| Exit::failed(e.to_string()))?;
    let first = addresses.first().map(|address| format!("http://{address}"));
    let home = config.public_url()?.or(first).unwrap_or_default();
    let options = AccountOptions {
        home: home.clone(),
        verify_addresses: config.mail().smtp_url.is_some(),
        throttle: config.rate_limits == Switch::On,
    };
    let accounts = domains::accounts(Passwords::new(config.bcrypt_cost), keys, options);
    let mut state = AppState::new(config, db.clone(), accounts.clone(), metrics)?;
    if let Some(redis) = redis {
        let redis = redis.of(&db.read_one(installation::epoch).await?);
        meet_others(&redis, &state.hub());
        state = state.with_redis(redis);
    }
    let mut domains = domains_at_work(&accounts);
    domains.push(muster_kernel::Domain { name: "mail", jobs: mail.jobs(), ..Default::default() });
    tokio::task::spawn_local(take_up_new_keys(accounts.clone()));
    let hub = state.hub();
    let sockets = hub.clone();
    tokio::task::spawn_local(async move { sockets.keep_up().await });

    let options = ServeOptions { shutdown_timeout: LAST_REQUESTS, ..ServeOptions::default() };
    let server =
        serve(listeners, ConnectionLimits::with_all_the_room_there_is(), options, move || app(&state))
            .map_err(|e| Exit::failed(format!("the server cannot start: {e}")))?;
    for address in &addresses {
        voice::say(&format!("listening on http://{address}"));
    }
    greet(config, &db, &accounts, &home).await?;

    let (stop_jobs, jobs_stop) = watch::channel(false);
    let runner = Runner::new(db.clone(), &domains);
    let jobs = tokio::task::spawn_local(async move { runner.run(jobs_stop).await });
    let handle = server.handle();
    let stop = tokio::task::spawn_local(async move {
        told_to_stop.await;
        log::info!("stopping: requests under way are finished");
        hub.goodbye();
        handle.stop(true).await;
    });
    let served = server.await;
    stop.abort();
    // Nobody listens any more when the runner has gone on its own.
    let _ = stop_jobs.send(true);
    if tokio::time::timeout(Duration::from_secs(1), jobs).await.is_err() {
        log::info!("a job under way is left; it is taken up again when its claim has run out");
    }
    // A database that hangs must not keep the program from stopping; nothing unanswered is promised.
    if tokio::time::timeout(Duration::from_secs(1), db.drain()).await.is_err() {
        log::warn!("the database took too long to finish what was under way");
    }
    log::info!("stopped");
    served.map_err(|e| Exit::failed(format!("the server failed: {e}")))
}

fn clock(config: &Config, args: &ServeArgs) -> Result<Clock, Exit> {
    match &args.test_clock {
        None => Ok(Clock::system()),
        Some(_) if !config.is_loopback()? => {
            Err(Exit::configuration("--test-clock is only for servers on a loopback address"))
        }
        Some(file) => Ok(Clock::file(file.clone())?),
    }
}

fn listen(config: &Config) -> Result<Vec<TcpListener>, Exit> {
    let mut listeners = Vec::new();
    for address in config.bind_addresses()? {
        let listener = bind(address, BACKLOG).map_err(|e| match e.kind() {
            std::io::ErrorKind::AddrInUse => Exit::in_use(format!(
                "{address} is in use; stop what listens there, or set MUSTER_BIND to another"
            )),
            _ => Exit::configuration(format!("cannot listen on {address}: {e}")),
        })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Starts measuring where the configuration asks for it.
fn measure(config: &Config) -> Result<Option<PrometheusHandle>, Exit> {
    if config.metrics == Switch::Off {
        return Ok(None);
    }
    let buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
    let recorder = PrometheusBuilder::new()
        .set_buckets(&buckets)
        .map_err(|e| Exit::failed(e.to_string()))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|e| Exit::failed(e.to_string()))?;
    let upkeep = handle.clone();
    // Measurements wait in a queue for whoever collects them; nobody may ever come.
    tokio::task::spawn_local(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            upkeep.run_upkeep();
        }
    });
    Ok(Some(handle))
}

/// Has this gateway and others hear of each other.
fn meet_others(redis: &Redis, hub: &Hub) {
    if let Some(bus) = hub.bus() {
        tokio::task::spawn_local(redis.clone().tell(bus));
        tokio::task::spawn_local(redis.clone().listen(hub.clone()));
    }
}

/// Looks for keys that `muster keys rotate` added meanwhile.
async fn take_up_new_keys(accounts: Accounts) {
    let mut fine = true;
    loop {
        tokio::time::sleep(KEYS_LOOKED_AT).await;
        let read = accounts.reload_keys();
        if let (true, Err(e)) = (fine, &read) {
            log::warn!("the keys stay as they are: {e}");
        }
        fine = read.is_ok();
    }
}

async fn greet(config: &Config, db: &Db, accounts: &Accounts, home: &str) -> Result<(), Exit> {
    voice::say(&format!("the API is explained at {home}/api/docs/"));
    if let Some(link) = accounts.setup_link(db).await? {
        voice::say(&format!("the club has no admin yet; make one, within a day, at {link}"));
        voice::say("or with: muster create-admin --email you@example.org");
    }
    if config.bcrypt_cost < 10 {
        log::warn!(
            "MUSTER_BCRYPT_COST is {}: fine for tests, too weak for people's passwords",
            config.bcrypt_cost
        );
    }
    Ok(())
}

/// Ends with SIGTERM or Ctrl-C, which are listened for from the moment of the call.
#[cfg(unix)]
fn told_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, interrupt) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async {
        match (terminate, interrupt) {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            // Without signals the program ends by being killed, which it is made for.
            _ => std::future::pending().await,
        }
    }
}

/// Ends with Ctrl-C.
#[cfg(not(unix))]
async fn told_to_stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
