//! Requests that are done once, however often they are sent.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::de::DeserializeOwned;

use super::envelope::Caller;
use super::{Reply, body};
use crate::db::{Db, Tx};
use crate::fault::{Code, Fault};
use crate::idempotency::Once;

/// A JSON body under an `Idempotency-Key`, for operations that move money or make a booking.
#[derive(Debug)]
pub struct OnceBody<T> {
    once: Once,
    body: Arc<T>,
}

impl<T: Send + Sync + 'static> OnceBody<T> {
    /// What was sent.
    pub fn body(&self) -> &T {
        &self.body
    }

    /// Does it and keeps the answer in the same transaction, or gives the answer of the first time.
    ///
    /// # Errors
    /// Those of `work`, and those of a key that is in use or was used for something else.
    pub async fn perform<F>(self, db: &Db, work: F) -> Result<Reply, Fault>
    where
        F: Fn(&mut Tx<'_>, &T) -> Result<Reply, Fault> + Send + 'static,
    {
        let OnceBody { once, body } = self;
        let (answer, replayed) =
            db.write(move |tx| once.run::<Fault>(tx, |tx| work(tx, &body).map(Reply::into_answer))).await?;
        Ok(Reply::replay(answer, replayed))
    }
}

impl<T: DeserializeOwned> FromRequest for OnceBody<T> {
    type Error = Fault;
    type Future = Pin<Box<dyn Future<Output = Result<OnceBody<T>, Fault>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = req.extensions().get::<Caller>().copied();
        let key = req.headers().get("Idempotency-Key").map(|v| v.to_str().unwrap_or_default().to_owned());
        let several = req.headers().get_all("Idempotency-Key").nth(1).is_some();
        let (method, path) = (req.method().to_string(), req.path().to_owned());
        let read = body::read_json(req, payload);
        Box::pin(async move {
            let Caller(user) = caller.ok_or_else(|| Fault::new(Code::Unauthenticated, "Sign in first."))?;
            let key = key.ok_or_else(|| {
                let detail = "Send an Idempotency-Key of your own making, so that this is done once even if it is sent twice.";
                Fault::new(Code::IdempotencyKeyRequired, detail)
            })?;
            if several {
                return Err(Fault::new(Code::Malformed, "Send one Idempotency-Key, not several."));
            }
            let bytes = read.await?;
            let once = Once::new(user, &key, &method, &path, &bytes)?;
            Ok(OnceBody { once, body: Arc::new(body::parse(&bytes)?) })
        })
    }
}
