//! What all routes have in common: how a request is read, how an answer is made, and what goes round both.
//!
//! | for a handler | |
//! |---|---|
//! | [`Body<T>`] | the JSON of the request, checked for unknown fields |
//! | [`Params<T>`] | the query string, unknown parameters refused |
//! | [`PathOf<T>`] | the path's parameters |
//! | [`IfMatch`] | the version the client saw |
//! | [`OnceBody<T>`] | a body under an `Idempotency-Key` |
//! | [`Client`](crate::Client) | from where, and with what program |
//! | [`CsvBody`] | a CSV file |
//! | [`Accepts`] | whether CSV is wanted rather than JSON |
//! | [`Reply`] | an answer with its ETag, a page with its `Link`, a short table as CSV |
//! | [`CsvPages`] | a long table as CSV |
//!
//! A handler returns `Result<Reply, Fault>`; [`envelope`] turns every fault, actix's own included, into
//! `application/problem+json`.

mod address;
mod body;
mod client;
mod csv;
mod csv_body;
mod envelope;
mod last_call;
mod objects;
mod once;
mod openapi;
mod params;
mod problem;
mod rate;
mod reply;

pub use address::{ClientAddress, Proxies};
pub use body::{Body, read_body};
pub use csv::{Accepts, CsvPage, CsvPages, Format};
pub use csv_body::CsvBody;
pub use envelope::{Caller, EnvelopeOptions, Pages, RequestId, envelope};
pub use last_call::LastCall;
pub use once::OnceBody;
pub use openapi::{Documented, Operation, PermissionDoc, finish};
pub use params::{IfMatch, Params, PathOf, unknown_parameters};
pub use problem::Problem;
pub use rate::{RateLimits, limit_rate};
pub use reply::Reply;
