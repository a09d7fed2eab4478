//! The club in which the table is tried: those who ask, and the things they ask about.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::TimeDelta;
use muster_coaches::Taught;
use muster_kernel::audit::Origin;
use muster_kernel::job::{self, NewJob};
use muster_kernel::{Timestamp, UserId};
use muster_testkit::{PASSWORD, Person};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::documented::filled;
use super::row::{Caller, Row, Whose};
use crate::imports;
use crate::support::{Answer, TestApp};

/// What an operation acts on. The fields it comes with fill the path's `{…}` and are there for the body; all have
/// `address`, which nobody has yet, and `at` and `local`, a time at which there is no class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// No particular thing.
    None,
    /// The account of whoever asks: `email`, `password`, `refresh_token`.
    Account,
    /// A person, as user and as member: `id`.
    Person,
    /// A session: `id`.
    Session,
    /// A file of members that was sent: `id`.
    Import,
    /// A job that has not failed: `id`.
    Job,
    /// An entry of the ledger that was made by hand: `id`.
    Entry,
    /// Class fees that a member paid in advance: the member's `id`, `lot_id`.
    Lot,
    /// A month that is far away: `period`.
    Period,
    /// A bill: `id`.
    Bill,
    /// A plan that is paid every month: `id`.
    Plan,
    /// A dues run: `id`.
    DuesRun,
    /// A coach without a profile: `id`.
    Coach,
    /// Pay terms of a coach, by which nothing was paid: the coach's `id`, `terms_id`.
    CoachTerms,
    /// A coach's latest payout: the coach's `id`, `payout_id`.
    Payout,
    /// A payroll run: `id`.
    PayrollRun,
    /// The personal calendar of whoever asks: `secret`.
    Calendar,
    /// A class to come: `id`.
    Class,
    /// A series of two classes: `id`.
    Series,
    /// A place in a class: `id`, `other_class_id` of one with a place, too.
    Booking,
    /// A channel: `id`, `user_id` of somebody else in it, `other_id` of somebody who is not, and
    /// `coach_id` of whose it is.
    Room,
    /// A message in a channel: `id`, `emoji`.
    Message,
}

impl Thing {
    /// Whose such a thing can be; a row says something of each.
    pub fn owners(self) -> &'static [Whose] {
        match self {
            Thing::None | Thing::Account => &[Whose::Own],
            Thing::Person => &[Whose::Own, Whose::Ward, Whose::Other, Whose::Admin, Whose::Missing],
            Thing::Session => &[Whose::Own, Whose::Other, Whose::Admin, Whose::Missing],
            Thing::Job
            | Thing::Plan
            | Thing::DuesRun
            | Thing::Import
            | Thing::Entry
            | Thing::Lot
            | Thing::Bill => &[Whose::Other, Whose::Missing],
            Thing::Coach | Thing::Class | Thing::Series | Thing::Booking | Thing::Room | Thing::Message => {
                &[Whose::Own, Whose::Other, Whose::Missing]
            }
            Thing::CoachTerms | Thing::Payout | Thing::PayrollRun => &[Whose::Other, Whose::Missing],
            Thing::Period | Thing::Calendar => &[Whose::Own],
        }
    }
}

/// Somebody who asks.
pub struct Asker {
    pub caller: Caller,
    person: Person,
    /// Made when it is needed.
    ward: OnceCell<i64>,
}

/// The club: everybody is made once; what a request uses up is made for it.
pub struct Club {
    pub app: TestApp,
    pub askers: Vec<Asker>,
    member: Person,
    admin: Person,
    made: AtomicU32,
}

/// A thumb up, as a path has it.
const THUMB: &str = "%F0%9F%91%8D";

/// An id that nothing has.
const MISSING: i64 = 999_999_999;

impl Club {
    pub async fn with(app: TestApp, callers: &[Caller]) -> Club {
        let (member, admin) = (app.people.member().await, app.people.admin().await);
        let mut club = Club { app, askers: Vec::new(), member, admin, made: AtomicU32::new(0) };
        for caller in callers {
            let asker = club.asker(*caller).await;
            club.askers.push(asker);
        }
        club
    }

    /// Somebody new.
    async fn asker(&self, caller: Caller) -> Asker {
        let person = match caller {
            Caller::Pending => self.registered().await,
            _ => self.app.people.with([caller.role()]).await,
        };
        Asker { caller, person, ward: OnceCell::new() }
    }

    async fn ward_of(&self, asker: &Asker) -> i64 {
        let make = async || {
            let child = json!({"first_name": "Tom", "last_name": "Small", "date_of_birth": "2016-03-01"});
            let made = self.app.post("/api/members/me/dependants", &asker.person, child).await;
            made.body["id"].as_i64().unwrap_or_else(|| panic!("no ward: {}", made.text))
        };
        *asker.ward.get_or_init(make).await
    }

    async fn registered(&self) -> Person {
        let email = self.new_address();
        let body = json!({
            "first_name": "Anna", "last_name": "Example", "email": email, "password": PASSWORD,
            "date_of_birth": "1990-02-28",
        });
        let registered = self.app.post_as_nobody("/api/auth/register", body).await;
        assert_eq!(registered.status, 201, "{}", registered.text);
        let tokens = self.app.people.sign_in(&email, PASSWORD).await;
        let as_them = self.app.request(Method::GET, "/api/members/me").bearer_auth(&tokens.access);
        let record = Answer::of(as_them).await;
        assert_eq!(record.body["status"], "pending", "{}", record.text);
        let id = UserId(record.body["id"].as_i64().expect("an id"));
        Person { id, email, token: tokens.access, refresh: tokens.refresh }
    }

    fn new_address(&self) -> String {
        format!("new{}@example.org", self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// A thing of this owner, as `asker` sees it: a new one if the request is to use it up.
    async fn thing(&self, thing: Thing, whose: Whose, asker: &Asker, new: bool) -> Value {
        let mut found = match (thing, whose) {
            (Thing::None, _) => json!({}),
            (Thing::Lot, Whose::Missing) => json!({"id": self.member.id, "lot_id": MISSING}),
            (Thing::Period, _) => json!({"period": "2999-01"}),
            (Thing::CoachTerms, Whose::Missing) => json!({"id": MISSING, "terms_id": MISSING}),
            (Thing::Payout, Whose::Missing) => json!({"id": MISSING, "payout_id": MISSING}),
            (Thing::Room, Whose::Missing) => {
                json!({"id": MISSING, "user_id": self.member.id, "other_id": self.member.id, "coach_id": MISSING})
            }
            (Thing::Message, Whose::Missing) => json!({"id": MISSING, "emoji": THUMB}),
            (Thing::Booking, Whose::Missing) => json!({"id": MISSING, "other_class_id": MISSING}),
            (_, Whose::Missing) => json!({"id": MISSING}),
            (Thing::Account, _) => {
                let Person { email, refresh, .. } = &asker.person;
                json!({"email": email, "password": PASSWORD, "refresh_token": refresh})
            }
            (Thing::Person, Whose::Ward) => json!({"id": self.ward_of(asker).await}),
            (Thing::Person, _) => json!({"id": self.owner(whose, asker, new).await.id}),
            (Thing::Session, _) => self.session_of(&self.owner(whose, asker, new).await).await,
            (Thing::Calendar, _) => {
                let made = self.app.post("/api/calendar/me", &asker.person, json!({})).await;
                let (_, name) =
                    made.body["url"].as_str().and_then(|url| url.rsplit_once('/')).expect("an address");
                json!({"secret": name.trim_end_matches(".ics")})
            }
            (Thing::Entry, _) => {
                let body =
                    json!({"kind": "transfer", "from": "cash", "to": "bank", "amount": 1, "text": "x"});
                let made = self
                    .app
                    .post_once("/api/finance/entries", &self.app.people.treasurer().await, body)
                    .await;
                json!({"id": made.body["id"]})
            }
            (Thing::Lot, _) => {
                let path = format!("/api/members/{}/prepaid-fees", self.member.id);
                let body = json!({"count": 1, "amount": 100, "method": "cash"});
                let made = self.app.post_once(&path, &self.app.people.treasurer().await, body).await;
                json!({"id": self.member.id, "lot_id": made.body["id"]})
            }
            (Thing::Bill, _) => {
                let body = json!({
                    "payee": "City", "amount": 100, "category": "other_expenses", "text": "Rent",
                    "due_on": "2026-01-01",
                });
                let by = self.app.people.treasurer().await;
                let made = self.app.post_once("/api/finance/bills", &by, body).await;
                json!({"id": made.body["id"]})
            }
            (Thing::Import, _) => {
                let sent = imports::send(
                    &self.app,
                    &self.app.people.treasurer().await,
                    "",
                    "first_name,last_name\nAnna,Example\n",
                )
                .await;
                json!({"id": sent.body["id"]})
            }
            (Thing::Plan, _) => self.plan().await,
            (Thing::DuesRun, _) => {
                let body = json!({"plan_id": self.plan().await["id"], "period": "2026-01"});
                let run =
                    self.app.post_once("/api/dues-runs", &self.app.people.treasurer().await, body).await;
                json!({"id": run.body["id"]})
            }
            (Thing::Coach, Whose::Own) => json!({"id": asker.person.id}),
            (Thing::Coach, _) => json!({"id": self.app.people.coach().await.id}),
            (Thing::CoachTerms, _) => self.coach_with_terms().await,
            (Thing::Payout, _) => self.payout().await,
            (Thing::PayrollRun, _) => {
                let by = self.app.people.treasurer().await;
                let run =
                    self.app.post_once("/api/payroll-runs", &by, json!({"through": "2026-01-01"})).await;
                json!({"id": run.body["id"]})
            }
            (Thing::Class, _) => json!({"id": self.class_of(&self.coach(whose, asker).await).await}),
            (Thing::Series, _) => self.series_of(&self.coach(whose, asker).await).await,
            (Thing::Booking, _) => self.booking_of(&self.owner(whose, asker, true).await).await,
            (Thing::Room, _) => self.room_of(whose, asker).await,
            (Thing::Message, _) => self.message_of(whose, asker).await,
            (Thing::Job, _) => {
                let db = &self.app.db;
                let job = db.write(|tx| job::enqueue(tx, NewJob::new("test.waits", 1))).await;
                json!({"id": job.expect("written").expect("a job")})
            }
        };
        found["address"] = json!(self.new_address());
        let at = self.free_time();
        found["at"] = json!(at);
        found["local"] = json!(at.utc().format("%Y-%m-%dT%H:%M:%S").to_string());
        found
    }

    /// A time to come at which there is no class.
    fn free_time(&self) -> Timestamp {
        let days = i64::from(self.made.fetch_add(1, Ordering::Relaxed)) % 1000 + 3;
        self.app.db.clock.now().plus(TimeDelta::days(days) + TimeDelta::minutes(days * 3))
    }

    /// Whoever asks, if they are a coach; else some coach.
    async fn coach(&self, whose: Whose, asker: &Asker) -> Person {
        match (whose, asker.caller) {
            (Whose::Own, Caller::Coach) => asker.person.clone(),
            _ => self.app.people.coach().await,
        }
    }

    async fn class_of(&self, coach: &Person) -> Value {
        let class = json!({
            "class_title": "Yoga", "class_datetime": self.free_time(), "duration_minutes": 1, "location": "Hall 2",
            "capacity": 10, "fee": 0,
        });
        let made = self.app.post("/api/classes", coach, class).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.body["id"].clone()
    }

    async fn series_of(&self, coach: &Person) -> Value {
        let start = self.free_time().utc().format("%Y-%m-%dT%H:%M:%S").to_string();
        let series = json!({
            "class_title": "Yoga", "local_start": start, "duration_minutes": 1, "location": "Hall 2", "capacity": 10,
            "fee": 0, "rrule": "FREQ=DAILY;COUNT=2",
        });
        let made = self.app.post("/api/class-series", coach, series).await;
        assert_eq!(made.status, 201, "{}", made.text);
        json!({"id": made.body["id"]})
    }

    /// What whose membership is pending has booked does not exist.
    async fn booking_of(&self, member: &Person) -> Value {
        let coach = self.app.people.coach().await;
        let (class, other) = (self.class_of(&coach).await, self.class_of(&coach).await);
        let booked = self.app.post_once(&format!("/api/classes/{class}/bookings"), member, json!({})).await;
        let id = booked.body["id"].as_i64().unwrap_or(MISSING);
        json!({"id": id, "other_class_id": other})
    }

    /// A channel of some coach's. Where it is the asker's own, they have joined it, unless nobody lets them.
    async fn room_of(&self, whose: Whose, asker: &Asker) -> Value {
        let (coach, other) = (self.app.people.coach().await, self.app.people.member().await);
        let body = json!({"kind": "channel", "room_name": "Tournament"});
        let id = self.app.post("/api/rooms", &coach, body).await.body["id"].clone();
        let outsider = self.app.people.member().await;
        let joins = if whose == Whose::Own { vec![&other, &asker.person] } else { vec![&other] };
        for person in joins {
            self.app.post(&format!("/api/rooms/{id}/join"), person, json!({})).await;
        }
        json!({"id": id, "user_id": other.id, "other_id": outsider.id, "coach_id": coach.id})
    }

    /// A message in such a channel, written by the asker where it is theirs.
    async fn message_of(&self, whose: Whose, asker: &Asker) -> Value {
        let room = self.room_of(whose, asker).await;
        let coach = self.app.people.coach().await;
        self.app.post(&format!("/api/rooms/{}/join", room["id"]), &coach, json!({})).await;
        let body = json!({"room_id": room["id"], "content": "Hello"});
        let own = self.app.post("/api/messages", &asker.person, body.clone()).await;
        let id = match own.body["id"].as_i64() {
            Some(id) => id,
            None => self.app.post("/api/messages", &coach, body).await.body["id"].as_i64().expect("an id"),
        };
        json!({"id": id, "emoji": THUMB})
    }

    async fn plan(&self) -> Value {
        let plan = json!({"name": self.new_address(), "price": 2500, "every": "month", "grace_days": 14});
        let made = self.app.post("/api/plans", &self.app.people.treasurer().await, plan).await;
        json!({"id": made.body["id"]})
    }

    async fn coach_with_terms(&self) -> Value {
        let coach = self.app.people.coach().await;
        let terms = json!({"starts_on": "2026-01-01", "per_class": 2000});
        let path = format!("/api/coaches/{}/terms", coach.id);
        let set = self.app.post(&path, &self.app.people.treasurer().await, terms).await;
        json!({"id": coach.id, "terms_id": set.body["id"]})
    }

    async fn payout(&self) -> Value {
        let coach = self.coach_with_terms().await["id"].clone();
        let class_id = i64::from(self.made.fetch_add(1, Ordering::Relaxed));
        let starts_at = self.app.db.clock.now();
        let id = UserId(coach.as_i64().expect("an id"));
        let taught = Taught { class_id, coach: id, starts_at, date: starts_at.utc().date_naive(), heads: 1 };
        let accrued =
            self.app.db.write(move |tx| muster_coaches::accrue(tx, &Origin::default(), &taught)).await;
        accrued.expect("accrued");
        let path = format!("/api/coaches/{coach}/payouts");
        let by = self.app.people.treasurer().await;
        let paid = self.app.post_once(&path, &by, json!({"method": "bank"})).await;
        json!({"id": coach, "payout_id": paid.body["id"]})
    }

    async fn owner(&self, whose: Whose, asker: &Asker, new: bool) -> Person {
        match whose {
            Whose::Own => asker.person.clone(),
            Whose::Admin if new => self.app.people.admin().await,
            Whose::Admin => self.admin.clone(),
            _ if new => self.app.people.member().await,
            _ => self.member.clone(),
        }
    }

    async fn session_of(&self, person: &Person) -> Value {
        let listed = self.app.get("/api/auth/sessions", person).await;
        json!({"id": listed.body["items"][0]["id"]})
    }

    /// Asks as one of the club's askers. What is to succeed, and changes something, is asked by somebody new and for
    /// something new, so that it does not stand in the way of the next.
    pub async fn ask(&self, row: &Row, whose: Whose, asker: &Asker, to_succeed: bool) -> Answer {
        let new = to_succeed && row.changes();
        let is_theirs =
            matches!(whose, Whose::Own | Whose::Ward) && !(row.public && row.thing == Thing::None);
        let another = if new && is_theirs { Some(self.asker(asker.caller).await) } else { None };
        let asker = another.as_ref().unwrap_or(asker);
        let thing = self.thing(row.thing, whose, asker, new).await;
        self.send(row, &thing, Some(&asker.person.token)).await
    }

    /// Asks with this token, or none, for something of a member's.
    pub async fn ask_with(&self, row: &Row, token: Option<&str>) -> Answer {
        let thing = self.thing(row.thing, Whose::Own, &self.asker(Caller::Member).await, true).await;
        self.send(row, &thing, token).await
    }

    async fn send(&self, row: &Row, thing: &Value, token: Option<&str>) -> Answer {
        // A key of its own for every request, for the operations that want one.
        let key = format!("key-{}", self.made.fetch_add(1, Ordering::Relaxed));
        let path = filled(row.path(), |name| match &thing[name] {
            Value::Null => panic!("{}: the thing that it is `on` has no {name}", row.operation),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        let mut request = self.app.request(row.method(), &path);
        if row.changes() {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = row.body {
            request = match body(thing) {
                // Only a file is no JSON object.
                Value::String(file) => request.header("content-type", "text/csv").body(file),
                body => request.json(&body),
            };
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        Answer::of(request).await
    }
}
