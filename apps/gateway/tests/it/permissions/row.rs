//! What a row of the table is made of: who asks, whose thing it is, what comes of it.

use muster_auth::Role;
use reqwest::Method;
use serde_json::Value;

use super::club::Thing;
use crate::support::Answer;

/// Who asks. Everybody is a member as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Registered, and nobody has approved the membership.
    Pending,
    Member,
    Coach,
    Treasurer,
    Admin,
    /// An admin of a club that asks admins for a second factor, which this one has not. No column of its own.
    AdminWithoutFactor,
}

impl Caller {
    /// The columns of the table, in order.
    pub const COLUMNS: [Caller; 5] =
        [Caller::Pending, Caller::Member, Caller::Coach, Caller::Treasurer, Caller::Admin];

    /// What they are in the club besides a member.
    pub fn role(self) -> Role {
        match self {
            Caller::Pending | Caller::Member => Role::Member,
            Caller::Coach => Role::Coach,
            Caller::Treasurer => Role::Treasurer,
            Caller::Admin | Caller::AdminWithoutFactor => Role::Admin,
        }
    }
}

/// Whose thing it is that a request is about, as whoever asks sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// One's own; also where a request is about no particular thing.
    Own,
    /// Of somebody whom one is guardian of.
    Ward,
    /// Another plain member's, or nobody's in particular.
    Other,
    /// An admin's, who is not the one that asks.
    Admin,
    /// There is no such thing.
    Missing,
}

/// What comes of a request: a status, and for a problem its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    status: u16,
    code: String,
}

impl Outcome {
    /// `200`, `403`, `409:last_admin`. The three refusals of authorisation have the code that goes without saying.
    pub fn read(text: &str) -> Outcome {
        let (status, code) = text.split_once(':').unwrap_or((text, ""));
        let status = status.parse().unwrap_or_else(|_| panic!("{text} is no status"));
        let code = match (status, code) {
            (200..400, "") => "",
            (401, "") => "unauthenticated",
            (403, "") => "forbidden",
            (404, "") => "not_found",
            (400.., said) if !said.is_empty() => said,
            _ => panic!("{text}: say the code of a problem, as in 409:last_admin, and of nothing else"),
        };
        Outcome { status, code: code.to_owned() }
    }

    /// What came of a request.
    pub fn of(answer: &Answer) -> Outcome {
        let status = answer.status.as_u16();
        let code = if status < 400 { "" } else { answer.problem().1 };
        Outcome { status, code: code.to_owned() }
    }

    pub fn is_success(&self) -> bool {
        self.status < 400
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.code)?;
        if self.code.is_empty() { f.write_str("(done)") } else { Ok(()) }
    }
}

/// A row of the table: one operation, how to ask for it, and what comes of it for everybody.
pub struct Row {
    /// `METHOD /path`, as the document has it.
    pub operation: &'static str,
    /// What it acts on.
    pub thing: Thing,
    /// A body that would be fine, made of the thing; see [`Thing`] for what that knows.
    pub body: Option<fn(&Value) -> Value>,
    /// For whomever it may be done: no signing in is needed.
    pub public: bool,
    /// The outcomes in the order of [`Caller::COLUMNS`].
    pub outcomes: Vec<(Whose, [Outcome; 5])>,
}

impl Row {
    pub fn of(operation: &'static str) -> Row {
        Row { operation, thing: Thing::None, body: None, public: false, outcomes: Vec::new() }
    }

    pub fn on(self, thing: Thing) -> Row {
        Row { thing, ..self }
    }

    pub fn with(self, body: fn(&Value) -> Value) -> Row {
        Row { body: Some(body), ..self }
    }

    /// The same for everybody, signed in or not.
    pub fn public(self, outcome: &str) -> Row {
        Row { public: true, ..self }.expect(Whose::Own, outcome)
    }

    pub fn own(self, outcomes: &str) -> Row {
        self.expect(Whose::Own, outcomes)
    }

    pub fn wards(self, outcomes: &str) -> Row {
        self.expect(Whose::Ward, outcomes)
    }

    pub fn others(self, outcomes: &str) -> Row {
        self.expect(Whose::Other, outcomes)
    }

    pub fn admins(self, outcomes: &str) -> Row {
        self.expect(Whose::Admin, outcomes)
    }

    pub fn missing(self, outcomes: &str) -> Row {
        self.expect(Whose::Missing, outcomes)
    }

    fn expect(mut self, whose: Whose, outcomes: &str) -> Row {
        let said: Vec<_> = outcomes.split_whitespace().map(Outcome::read).collect();
        let each = match said.as_slice() {
            [all] => std::array::from_fn(|_| all.clone()),
            _ => said.try_into().unwrap_or_else(|_| {
                panic!("{}: one outcome for everybody, or five: {outcomes}", self.operation)
            }),
        };
        self.outcomes.push((whose, each));
        self
    }

    pub fn method(&self) -> Method {
        let (method, _) = self.operation.split_once(' ').expect("METHOD /path");
        method.parse().expect("a method")
    }

    pub fn path(&self) -> &'static str {
        self.operation.split_once(' ').expect("METHOD /path").1
    }

    /// Whether it uses up what it acts on, when it succeeds.
    pub fn changes(&self) -> bool {
        self.method() != Method::GET
    }

    /// Each cell of the row.
    pub fn cells(&self) -> impl Iterator<Item = (Whose, Caller, &Outcome)> {
        self.outcomes.iter().flat_map(|(whose, each)| {
            Caller::COLUMNS.into_iter().zip(each).map(|(caller, outcome)| (*whose, caller, outcome))
        })
    }
}
