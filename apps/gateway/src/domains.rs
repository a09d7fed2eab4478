//! The domains, in the order in which they stand on each other, and the parts they have in people's lives.

use std::sync::Arc;

use muster_auth::{Accounts, Keyring, Passwords, PersonHooks};
use muster_kernel::Domain;
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

/// The service for people, with every domain's part in it.
pub(crate) fn accounts(passwords: Passwords, keys: Keyring) -> Accounts {
    let hooks: Vec<Arc<dyn PersonHooks>> = vec![muster_members::person_hooks()];
    Accounts::new(passwords, keys, hooks)
}

/// Every domain's routes, below `/api`.
pub(crate) fn mount(config: &mut ServiceConfig<'_>) {
    config.configure(muster_auth::mount);
}
