//! The operations as the document has them.

use std::collections::BTreeMap;

use muster_auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::documents;
use crate::support::{Answer, TestApp};

/// An operation as the document has it.
pub struct Documented {
    /// `METHOD /path`.
    pub name: String,
    method: Method,
    path: String,
    pub public: bool,
    /// Role to scope.
    pub roles: BTreeMap<String, String>,
    /// All that the document says of it.
    pub says: Value,
}

impl Documented {
    /// Whether somebody may do this whose only role besides that of a member is this one.
    pub fn is_for(&self, role: Role) -> bool {
        [Role::Member, role].iter().any(|role| self.roles.contains_key(role.as_str()))
    }

    /// Asks for it in ways that make no sense: nothing of them may be looked at before it is clear who asks.
    pub async fn asked_nonsensically(&self, app: &TestApp, token: Option<&str>) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (id, content_type, body) in [
            ("nonsense", "application/json", "{"),
            ("999999999", "application/json", r#"{"nonsense": true}"#),
            ("-1", "text/nonsense", "nonsense"),
        ] {
            let mut request = app.request(self.method.clone(), &filled(&self.path, |_| id.to_owned()));
            if self.method != Method::GET {
                request = request.header("content-type", content_type).body(body);
            }
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            answers.push(Answer::of(request).await);
        }
        answers
    }
}

pub fn documented() -> Vec<Documented> {
    let operations = documents::operations(&documents::document()).into_iter();
    let each = operations.map(|(method, path, says)| {
        let method = method.to_uppercase();
        let roles = says["x-roles"].as_object().into_iter().flatten();
        let word = |scope: &Value| scope.as_str().expect("a scope").to_owned();
        Documented {
            name: format!("{method} {path}"),
            method: method.parse().expect("a method"),
            public: says["security"] == json!([]),
            roles: roles.map(|(role, scope)| (role.clone(), word(scope))).collect(),
            path,
            says,
        }
    });
    each.collect()
}

/// A path with its `{…}` filled in.
pub fn filled(path: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = path.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').expect("an end of the name");
        filled += &value(name);
        filled += rest;
    }
    filled
}
