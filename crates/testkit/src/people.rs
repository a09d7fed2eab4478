//! People who are signed in.

use std::sync::atomic::{AtomicU32, Ordering};

use muster_auth::sessions::Tokens;
use muster_auth::{Accounts, NewPerson, Password, Role, Roles, SignIn};
use muster_kernel::audit::Origin;
use muster_kernel::db::Db;
use muster_kernel::{Client, UserId};

/// A person with an access token.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// Their access token.
    pub token: String,
    /// Their refresh token.
    pub refresh: String,
}

/// The password of everybody that the testkit makes.
pub const PASSWORD: &str = "a password for tests";

/// Makes people on demand, each with a name and an address of their own.
pub struct People {
    db: Db,
    accounts: Accounts,
    made: AtomicU32,
}

impl People {
    /// People of this database.
    pub fn new(db: Db, accounts: Accounts) -> People {
        People { db, accounts, made: AtomicU32::new(0) }
    }

    /// Somebody new with these roles, signed in.
    pub async fn with(&self, roles: impl IntoIterator<Item = Role>) -> Person {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let email = format!("person{number}@example.org");
        let person = NewPerson {
            email: email.clone(),
            first_name: "Person".into(),
            last_name: format!("Number {number}"),
            password: Password::new(PASSWORD.into()),
            roles: Roles::of(roles),
        };
        let id = self.accounts.create_person(&self.db, person).await.expect("a new person");
        let tokens = self.sign_in(&email, PASSWORD).await;
        Person { id, email, token: tokens.access, refresh: tokens.refresh }
    }

    /// Signs somebody in on one more device.
    pub async fn sign_in(&self, email: &str, password: &str) -> Tokens {
        let sign_in = SignIn { email: email.into(), password: Password::new(password.into()), totp: None };
        let signed_in = self.accounts.sign_in(&self.db, sign_in, Client::default(), Origin::default()).await;
        signed_in.expect("signed in").tokens
    }

    /// The same person, signed in anew.
    pub async fn again(&self, person: &Person) -> Person {
        let tokens = self.sign_in(&person.email, PASSWORD).await;
        Person { token: tokens.access, refresh: tokens.refresh, ..person.clone() }
    }

    /// A member and nothing else.
    pub async fn member(&self) -> Person {
        self.with([]).await
    }

    /// A coach.
    pub async fn coach(&self) -> Person {
        self.with([Role::Coach]).await
    }

    /// A treasurer.
    pub async fn treasurer(&self) -> Person {
        self.with([Role::Treasurer]).await
    }

    /// An admin.
    pub async fn admin(&self) -> Person {
        self.with([Role::Admin]).await
    }
}
