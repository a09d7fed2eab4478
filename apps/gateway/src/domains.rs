//! The domains, in the order in which they stand on each other, and the parts they have in people's lives.

use std::sync::Arc;

use muster_auth::{AccountOptions, Accounts, Keyring, Passwords, PersonHooks};
use muster_classes::{BookingLetters, ClassLetters, Covering, Reminders};
use muster_finance::PrepaidFees;
use muster_kernel::Domain;
use muster_kernel::job::JobKind;
use muster_members::import::Imports;
use muster_members::{Members, ReminderJob, StandingHooks};
use utoipa_actix_web::service_config::ServiceConfig;

/// Every domain's checks, exports and jobs.
pub fn domains() -> Vec<Domain> {
    vec![
        muster_kernel::domain::kernel(),
        muster_auth::domain(),
        muster_finance::domain(),
        muster_members::domain(),
        muster_coaches::domain(),
        muster_chat::domain(),
        muster_classes::domain(),
    ]
}

/// The same with the jobs of a running program.
pub fn domains_at_work(accounts: &Accounts) -> Vec<Domain> {
    let mut domains = domains();
    let jobs: Vec<Arc<dyn JobKind>> = vec![
        Arc::new(accounts.mail_requests()),
        Arc::new(muster_finance::Letters::new(accounts.clone())),
        Arc::new(Imports::new(accounts.clone())),
        Arc::new(BookingLetters::new(accounts)),
        Arc::new(ClassLetters::new(accounts)),
    ];
    domains.push(Domain { name: "accounts", jobs, ..Domain::default() });
    let jobs: Vec<Arc<dyn JobKind>> =
        vec![Arc::new(ReminderJob::new(accounts)), Arc::new(Reminders::new(accounts))];
    let schedules = vec![ReminderJob::SCHEDULE, Reminders::SCHEDULE];
    domains.push(Domain { name: "reminders", jobs, schedules, ..Domain::default() });
    domains
}

/// The service for people, with every domain's part in it.
pub fn accounts(passwords: Passwords, keys: Keyring, options: AccountOptions) -> Accounts {
    let hooks: Vec<Arc<dyn PersonHooks>> = vec![
        muster_members::person_hooks(standing_hooks()),
        muster_finance::person_hooks(),
        muster_coaches::person_hooks(),
        muster_classes::person_hooks(),
        muster_classes::calendar::person_hooks(),
        muster_chat::person_hooks(),
    ];
    Accounts::new(passwords, keys, hooks, options)
}

/// The service for memberships, with every domain's part in it.
pub fn members(accounts: &Accounts) -> Members {
    Members::new(standing_hooks(), accounts.clone())
}

/// The parts that domains have in what happens to memberships.
fn standing_hooks() -> Vec<Arc<dyn StandingHooks>> {
    vec![muster_classes::standing_hooks(), muster_chat::standing_hooks()]
}

/// The service that sells class fees in advance, with every domain's part in it.
pub fn prepaid_fees() -> PrepaidFees {
    PrepaidFees::new(vec![Arc::new(Covering)])
}

/// Every domain's routes, below `/api`.
pub(crate) fn mount(config: &mut ServiceConfig<'_>) {
    config
        .configure(muster_auth::mount)
        .configure(muster_finance::mount)
        .configure(muster_members::mount)
        .configure(muster_coaches::mount)
        .configure(muster_chat::mount)
        .configure(muster_classes::mount)
        .configure(muster_classes::calendar::mount);
}
