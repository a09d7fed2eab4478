//! What a client is told when something cannot be done: a stable code, a sentence, the fields at fault.
//!
//! Every crate's own error names one of these codes; the table below is the only place that knows which HTTP
//! status a code has.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

use crate::db::DbError;

macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident $code:literal $status:literal $title:literal;)+) => {
        /// A stable code of a fault. Clients may rely on it; it is never translated.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$meta])* $name),+ }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[$(Code::$name),+];

            /// The code as clients see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$name => $code),+ }
            }

            /// The HTTP status it has.
            pub const fn status(self) -> u16 {
                match self { $(Code::$name => $status),+ }
            }

            /// What happened, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title),+ }
            }
        }
    };
}

codes! {
    /// The request cannot be read: its JSON, path or query.
    Malformed "malformed" 400 "The request cannot be read";
    /// A query parameter that this operation does not have.
    UnknownParameter "unknown_parameter" 400 "Unknown query parameter";
    /// This operation is only done with an `Idempotency-Key`.
    IdempotencyKeyRequired "idempotency_key_required" 400 "An Idempotency-Key header is required";
    /// Nobody is signed in, or not any more.
    Unauthenticated "unauthenticated" 401 "Not signed in";
    /// The address or the password is wrong; which one is not said.
    BadCredentials "bad_credentials" 401 "The e-mail address or the password is wrong";
    /// A ticket is wrong, used or expired.
    TicketInvalid "ticket_invalid" 401 "The ticket is no longer valid";
    /// The address and the password are right; a code of the second factor is missing.
    TotpRequired "totp_required" 401 "A code of the second factor is required";
    /// The address and the password are right; the address has to be proven first.
    EmailUnverified "email_unverified" 403 "The e-mail address is not verified yet";
    /// The club asks a second factor of this role, and there is none yet.
    TotpSetupRequired "totp_setup_required" 403 "A second factor has to be set up first";
    /// Signed in, but not allowed to do this.
    Forbidden "forbidden" 403 "Not allowed";
    /// A request with cookies that another site made.
    CrossSite "cross_site" 403 "A request from another site was refused";
    /// Not there, or not yours.
    NotFound "not_found" 404 "Not found";
    /// The path exists, but not with this method.
    MethodNotAllowed "method_not_allowed" 405 "This path does not have that method";
    /// The request did not arrive in time.
    RequestTimeout "request_timeout" 408 "The request took too long to arrive";
    /// The state of the thing does not allow it.
    InvalidState "invalid_state" 409 "Not possible in the present state";
    /// There is one already.
    AlreadyExists "already_exists" 409 "There is one already";
    /// The same request is still being worked on.
    IdempotencyInProgress "idempotency_in_progress" 409 "The same request is still under way";
    /// The month is closed: no entry can be dated in it.
    PeriodClosed "period_closed" 409 "The period is closed";
    /// They owe the club, the club owes them, or class fees paid in advance are left.
    OpenBalance "open_balance" 409 "There is an open balance";
    /// More than there is to be paid back.
    ExceedsCredit "exceeds_credit" 409 "More than the credit";
    /// More than is owed.
    ExceedsBalance "exceeds_balance" 409 "More than is owed";
    /// They have booked this class, or wait for a place in it.
    AlreadyBooked "already_booked" 409 "Booked already";
    /// All places of the class are taken.
    ClassFull "class_full" 409 "The class is full";
    /// The client's id was used for another message.
    ClientIdConflict "client_id_conflict" 409 "The client's id was used for another message";
    /// The message is deleted.
    MessageDeleted "message_deleted" 409 "The message is deleted";
    /// The room is archived: it can be read only.
    ReadOnly "read_only" 409 "The room can be read only";
    /// A minor is in the room with an adult: a guardian has to be in it.
    GuardianRequired "guardian_required" 409 "A guardian has to be in this room";
    /// A moderator has them be quiet in this room for a while.
    Muted "muted" 403 "Muted in this room";
    /// Two classes at the same time.
    Overlap "overlap" 409 "Two at the same time";
    /// The last active admin stays.
    LastAdmin "last_admin" 409 "The last active admin stays";
    /// Somebody changed the thing meanwhile.
    Stale "stale" 412 "Changed meanwhile";
    /// The request is larger than this operation takes.
    TooLarge "too_large" 413 "The request is too large";
    /// The body is not of a type that this operation takes.
    UnsupportedMediaType "unsupported_media_type" 415 "The body is not of a type that can be read";
    /// Some fields are wrong; `errors` says which.
    InvalidFields "invalid_fields" 422 "Some fields are wrong";
    /// A field that this request does not have.
    UnknownField "unknown_field" 422 "Unknown field";
    /// A token of a link is wrong, used or expired.
    TokenInvalid "token_invalid" 422 "The link or code is no longer valid";
    /// The key was used for another request.
    IdempotencyKeyReused "idempotency_key_reused" 422 "The Idempotency-Key was used for another request";
    /// This operation needs an `If-Match` header.
    PreconditionRequired "precondition_required" 428 "An If-Match header is required";
    /// Too many requests in a short time.
    RateLimited "rate_limited" 429 "Too many requests";
    /// Somebody has as many sockets open as they may.
    TooManyConnections "too_many_connections" 429 "Too many connections";
    /// A defect, or a failure that the client can do nothing about.
    Internal "internal" 500 "Something went wrong";
    /// More work than can be done now, or a part that does not answer.
    Unavailable "unavailable" 503 "Not available for the moment";
}

/// One field at fault.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "http", derive(utoipa::ToSchema))]
pub struct FieldFault {
    /// Where it is: a JSON pointer into the body, or the name of a query parameter.
    pub pointer: String,
    /// A stable code, for example `too_long`.
    #[cfg_attr(feature = "http", schema(value_type = String))]
    pub code: &'static str,
    /// A sentence for a person.
    pub message: String,
}

/// A failure as its client will see it.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which it is.
    pub code: Code,
    /// What happened and what to do, for a person; never an internal detail.
    pub detail: Cow<'static, str>,
    /// The fields at fault, if it is about fields.
    pub fields: Vec<FieldFault>,
    /// Seconds after which trying again makes sense.
    pub retry_after: Option<u32>,
    /// What was behind it, for the log alone.
    pub cause: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Fault {
    /// A fault with a sentence of its own.
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Fault {
        Fault { code, detail: detail.into(), fields: Vec::new(), retry_after: None, cause: None }
    }

    /// Wrong fields. With none given it is still a fault: call it only when there is one.
    pub fn fields(fields: Vec<FieldFault>) -> Fault {
        let only_unknown = !fields.is_empty() && fields.iter().all(|f| f.code == "unknown_field");
        let code = if only_unknown { Code::UnknownField } else { Code::InvalidFields };
        let detail = match fields.as_slice() {
            [one] if one.pointer.is_empty() => format!("The body: {}", one.message),
            [one] => format!("{}: {}", one.pointer, one.message),
            many => format!("{} fields are wrong; `errors` says which.", many.len()),
        };
        Fault { fields, ..Fault::new(code, detail) }
    }

    /// One wrong field.
    pub fn field(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::fields(vec![FieldFault { pointer: pointer.into(), code, message: message.into() }])
    }

    /// Not there, or not yours.
    pub fn not_found() -> Fault {
        Fault::new(Code::NotFound, "There is nothing here that you may see.")
    }

    /// A defect; the cause goes to the log.
    pub fn internal(cause: impl StdError + Send + Sync + 'static) -> Fault {
        Fault::new(Code::Internal, "The server could not finish this; nothing was changed.").because(cause)
    }

    /// The same with what was behind it, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl StdError + Send + Sync + 'static) -> Fault {
        self.cause = Some(Arc::new(cause));
        self
    }

    /// The same with a time after which to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Fault {
        self.retry_after = Some(seconds);
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl StdError for Fault {}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Fault {
        if error.is_not_found() {
            return Fault::not_found();
        }
        match error {
            DbError::Overloaded => {
                Fault::new(Code::Unavailable, "The server has more to do than it can; try again shortly.")
                    .retry_after(1)
            }
            e if e.is_passing() => {
                Fault::new(Code::Unavailable, "The database cannot do this at the moment; try again shortly.")
                    .retry_after(2)
                    .because(e)
            }
            e => Fault::internal(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_itself_and_an_error() {
        let names: HashSet<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|c| (400..600).contains(&c.status())));
    }

    #[test]
    fn what_passes_is_told_with_a_time_to_come_back_and_a_defect_without_its_cause() {
        for passing in [DbError::Overloaded, DbError::Unavailable("host x".into()), DbError::Closed] {
            let fault = Fault::from(passing);
            assert_eq!(fault.code, Code::Unavailable);
            assert!(fault.retry_after.is_some() && !fault.detail.contains("host"));
        }
        let defect = Fault::from(DbError::Panicked);
        assert_eq!((defect.code, defect.retry_after), (Code::Internal, None));
        assert!(defect.cause.is_some());
        assert_eq!(Fault::from(DbError::from(diesel::NotFound)).code, Code::NotFound);
    }

    #[test]
    fn only_unknown_fields_are_a_code_of_their_own() {
        let fault = |code| FieldFault { pointer: "/x".into(), code, message: String::new() };
        assert_eq!(Fault::fields(vec![fault("unknown_field")]).code, Code::UnknownField);
        assert_eq!(Fault::fields(vec![fault("unknown_field"), fault("too_long")]).code, Code::InvalidFields);
    }
}
