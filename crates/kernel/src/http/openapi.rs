//! What the OpenAPI document says of every operation, so that no route has to say it again: who may, which
//! problems it can answer with, and that unknown fields are refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use crate::fault::Code;

/// A permission as the document shows it.
#[derive(Debug, Clone)]
pub struct PermissionDoc {
    /// Its name, as routes give it in `x-permission`.
    pub name: &'static str,
    /// Who has it: role and reach (`all`, `own`, `wards`).
    pub roles: Vec<(&'static str, &'static str)>,
}

/// A finished document.
#[derive(Debug, Clone)]
pub struct Documented(Value);

impl Documented {
    /// As JSON for people: what is kept in the repository.
    pub fn pretty(&self) -> String {
        // It was read from JSON, so it can be written as such.
        let mut text = serde_json::to_string_pretty(&self.0).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Every operation.
    pub fn operations(&self) -> Vec<Operation> {
        let paths = self.0["paths"].as_object().into_iter().flatten();
        let of_path = |(path, item): (&String, &Value)| -> Vec<Operation> {
            let methods = METHODS.iter().filter_map(|method| Some((method, item.get(*method)?)));
            methods.map(|(method, operation)| Operation::of(path, method, operation)).collect()
        };
        paths.flat_map(of_path).collect()
    }

    /// As JSON for programs.
    pub fn compact(&self) -> String {
        self.0.to_string()
    }
}

/// An operation, as far as it matters before it is reached.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The path, with its parameters in braces.
    pub path: String,
    /// The method, in capitals.
    pub method: String,
    /// The query parameters it has.
    pub parameters: Vec<String>,
    /// True when nobody has to be signed in.
    pub public: bool,
}

impl Operation {
    /// A public page that is only read.
    pub fn get(path: &str) -> Operation {
        Operation { path: path.to_owned(), method: "GET".into(), parameters: Vec::new(), public: true }
    }

    fn of(path: &str, method: &str, operation: &Value) -> Operation {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let in_query = parameters.filter(|parameter| parameter["in"] == "query");
        Operation {
            path: path.to_owned(),
            method: method.to_uppercase(),
            parameters: in_query.filter_map(|p| p["name"].as_str().map(str::to_owned)).collect(),
            public: operation["security"].as_array().is_none_or(Vec::is_empty),
        }
    }
}

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Completes the document that the routes made.
///
/// # Errors
/// When a route names a permission that nobody has declared.
pub fn finish(api: &OpenApi, permissions: &[PermissionDoc]) -> Result<Documented, String> {
    let mut document = serde_json::to_value(api).map_err(|e| e.to_string())?;
    let known: BTreeMap<_, _> = permissions.iter().map(|p| (p.name, p)).collect();
    let mut bodies = Vec::new();
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths {
            for method in METHODS {
                if let Some(operation) = item.get_mut(method) {
                    complete(operation, path, &known).map_err(|e| format!("{method} {path}: {e}"))?;
                    collect_refs(&operation["requestBody"], &mut bodies);
                }
            }
        }
    }
    refuse_unknown_fields(&mut document, bodies);
    document["components"]["securitySchemes"] = json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The access token of a sign-in; it lives for 10 minutes."
        },
        "cookie": {
            "type": "apiKey", "in": "cookie", "name": "muster_access",
            "description": "Set by a sign-in with `\"session\":\"cookie\"`; over https its name is \
                `__Host-muster_access`. Unsafe requests from other sites are refused with 403 `cross_site`."
        }
    });
    Ok(Documented(document))
}

fn complete(operation: &mut Value, path: &str, known: &BTreeMap<&str, &PermissionDoc>) -> Result<(), String> {
    let permission = operation.get("x-permission").and_then(Value::as_str).map(str::to_owned);
    let public = path.starts_with("/health") || operation.get("x-public").is_some();
    let mut problems = vec![Code::RateLimited, Code::Internal, Code::Unavailable];
    match (&permission, public) {
        (Some(name), false) => {
            let permission = known.get(name.as_str()).ok_or(format!("unknown permission {name}"))?;
            let roles: Vec<_> = permission.roles.iter().map(|(role, _)| *role).collect();
            operation["x-roles"] = json!(permission.roles.iter().copied().collect::<BTreeMap<_, _>>());
            // Either will do.
            operation["security"] = json!([{ "bearer": roles }, { "cookie": roles }]);
            problems.extend([Code::Unauthenticated, Code::Forbidden]);
        }
        (None, true) => operation["security"] = json!([]),
        _ => return Err("give it either `x-permission` or `x-public`".into()),
    }
    if operation["parameters"].as_array().is_some_and(|p| !p.is_empty())
        || operation.get("requestBody").is_some()
    {
        problems.push(Code::Malformed);
    }
    if path.contains('{') {
        problems.push(Code::NotFound);
    }
    if operation.get("requestBody").is_some() {
        problems.extend([
            Code::TooLarge,
            Code::UnsupportedMediaType,
            Code::InvalidFields,
            Code::RequestTimeout,
        ]);
    }
    for code in problems {
        let status = code.status().to_string();
        if operation["responses"].get(&status).is_none() {
            operation["responses"][status] = problem_response(code.title());
        }
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, response) in responses {
            if status.starts_with(['4', '5']) && response.get("content").is_none() {
                let described = response["description"].as_str().unwrap_or_default().to_owned();
                *response = problem_response(&described);
            }
        }
    }
    Ok(())
}

fn problem_response(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } }
    })
}

fn collect_refs(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next()) {
                found.push(name.to_owned());
            }
            map.values().for_each(|v| collect_refs(v, found));
        }
        Value::Array(list) => list.iter().for_each(|v| collect_refs(v, found)),
        _ => {}
    }
}

/// Marks every object that stands in a request, however deep, as taking nothing else.
fn refuse_unknown_fields(document: &mut Value, mut waiting: Vec<String>) {
    let mut done = std::collections::BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if !done.insert(name.clone()) {
            continue;
        }
        let schema = &mut document["components"]["schemas"][&name];
        collect_refs(schema, &mut waiting);
        if schema.get("properties").is_some() {
            schema["additionalProperties"] = Value::Bool(false);
        }
    }
}
