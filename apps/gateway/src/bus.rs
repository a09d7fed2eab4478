//! Redis between several gateways: what one of them says, all of them hear. Nothing rests on it; while it is away they meet
//! in the database, a moment later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use muster_chat::{Bus, CHANNELS, Hub};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult};
use tokio::time::sleep;

use crate::Exit;

/// What takes Redis longer than this is given up.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it is left alone after it was not there.
const PAUSE: Duration = Duration::from_millis(500);
/// So much is told in one go.
const AT_ONCE: usize = 256;

/// Redis, as it is now.
#[derive(Clone)]
pub(crate) struct Redis {
    client: Client,
    /// Other installations may share the server.
    prefix: String,
    hears: Arc<AtomicBool>,
}

impl Redis {
    /// # Errors
    /// When the configuration is no address of a Redis.
    pub(crate) fn at(url: &str) -> Result<Redis, Exit> {
        let client = Client::open(url).map_err(|e| {
            Exit::configuration(format!(
                "REDIS_URL is not the address of a Redis, as in redis://host:6379: {e}"
            ))
        })?;
        Ok(Redis { client, prefix: "muster".into(), hears: Arc::default() })
    }

    /// The same for the gateways of one installation.
    pub(crate) fn of(self, installation: &str) -> Redis {
        Redis { prefix: format!("muster:{installation}"), ..self }
    }

    /// Whether it is there at the moment.
    pub(crate) fn is_there(&self) -> bool {
        self.hears.load(Ordering::Relaxed)
    }

    fn channel(&self, number: u64) -> String {
        format!("{}:{number}", self.prefix)
    }

    /// Tells others what this gateway says, for as long as the program runs.
    pub(crate) async fn tell(self, mut bus: Bus) {
        let mut connection = None;
        loop {
            let said = bus.next(AT_ONCE).await;
            if said.is_empty() {
                return;
            }
            if let Err(e) = self.publish(&mut connection, said).await {
                // It is not told again: those who miss it find it in the database.
                log::debug!("Redis was not told something: {e}");
                connection = None;
                sleep(PAUSE).await;
            }
        }
    }

    async fn publish(
        &self,
        connection: &mut Option<MultiplexedConnection>,
        said: Vec<(u64, Vec<u8>)>,
    ) -> RedisResult<()> {
        if connection.is_none() {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE));
            *connection = Some(self.client.get_multiplexed_async_connection_with_config(&config).await?);
        }
        let Some(connection) = connection else { return Ok(()) };
        let mut all = redis::pipe();
        for (channel, text) in said {
            all.cmd("PUBLISH").arg(self.channel(channel)).arg(text).ignore();
        }
        all.exec_async(connection).await
    }

    /// Hears what others say, for as long as the program runs.
    pub(crate) async fn listen(self, hub: Hub) {
        let mut was_there = true;
        loop {
            let ended = self.hear(&hub).await;
            let is_there = self.hears.swap(false, Ordering::Relaxed);
            if was_there || is_there {
                let why =
                    ended.err().map_or_else(|| "it closed the connection".to_owned(), |e| e.to_string());
                log::warn!("Redis is away; gateways meet in the database until it is back: {why}");
            }
            was_there = false;
            sleep(PAUSE).await;
        }
    }

    async fn hear(&self, hub: &Hub) -> RedisResult<()> {
        let connecting = tokio::time::timeout(PATIENCE, self.client.get_async_pubsub());
        let mut connection = connecting.await.map_err(std::io::Error::from)??;
        let channels: Vec<String> = (0..CHANNELS).map(|number| self.channel(number)).collect();
        connection.subscribe(&channels).await?;
        self.hears.store(true, Ordering::Relaxed);
        log::info!("Redis is there");
        // What was said before is not said again.
        hub.bus_is_back();
        let mut said = connection.into_on_message();
        while let Some(said) = said.next().await {
            hub.hear_from_bus(said.get_payload_bytes());
        }
        Ok(())
    }
}
