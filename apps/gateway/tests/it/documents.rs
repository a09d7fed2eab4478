//! What the program says about itself is true and complete.
//!
//! `UPDATE_SNAPSHOTS=1 scripts/test documents example_term` writes the files anew.

use std::path::PathBuf;

use muster_testkit::Engine;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

fn in_checkout(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

#[track_caller]
pub fn is_kept(path: &str, now: &str) {
    let file = in_checkout(path);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, now).expect("written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == now,
        "{path} is not up to date; UPDATE_SNAPSHOTS=1 scripts/test documents example_term writes it anew"
    );
}

/// The document, as JSON.
pub fn document() -> Value {
    serde_json::from_str(&muster_gateway::openapi_document().expect("a document").compact()).expect("JSON")
}

/// Every operation: method, path, and what the document says of it.
pub fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("an item").iter();
        methods.map(move |(method, operation)| (method.clone(), path.clone(), operation.clone()))
    });
    operations.collect()
}

#[test]
fn the_openapi_document_is_the_one_in_the_repository() {
    is_kept("docs/openapi.json", &muster_gateway::openapi_document().expect("a document").pretty());
}

#[test]
fn the_example_configuration_has_every_key() {
    is_kept(".env.example", &muster_gateway::env_example());
}

#[test]
fn every_operation_says_who_may_and_how_it_fails() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let operations = operations(&document);
    assert!(operations.len() >= 8, "{operations:?}");
    for (method, path, operation) in operations {
        let name = format!("{method} {path}");
        assert!(
            operation["summary"].is_string() || operation["description"].is_string(),
            "{name} says nothing"
        );
        assert!(operation["security"].is_array(), "{name} does not say who may");
        assert!(operation["operationId"].is_string(), "{name} has no name");
        for status in ["429", "500", "503"] {
            let content = &operation["responses"][status]["content"]["application/problem+json"];
            assert!(content.is_object(), "{name} does not say how it fails with {status}");
        }
        let ways: Vec<_> = operation["security"].as_array().into_iter().flatten().collect();
        for way in &ways {
            let scheme = way.as_object().and_then(|way| way.keys().next()).expect("a scheme");
            assert!(
                document["components"]["securitySchemes"][scheme].is_object(),
                "{name}: {scheme} is unknown"
            );
        }
        if operation["x-permission"].is_string() {
            let roles = operation["x-roles"].as_object().expect("roles").keys().collect::<Vec<_>>();
            assert_eq!(ways.len(), 2, "{name}: a token or a cookie");
            for (way, scheme) in ways.iter().zip(["bearer", "cookie"]) {
                let allowed = way[scheme].as_array().unwrap_or_else(|| panic!("{name} takes no {scheme}"));
                assert!(
                    allowed.len() == roles.len() && roles.iter().all(|r| allowed.contains(&json!(r))),
                    "{name}"
                );
            }
            for status in ["401", "403"] {
                assert!(operation["responses"][status].is_object(), "{name} does not say {status}");
            }
        }
    }
}

#[test]
fn a_request_takes_no_unknown_fields_however_deep() {
    fn walk(value: &Value, document: &Value, seen: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                let reference = map.get("$ref").and_then(Value::as_str);
                if let Some(reference) = reference.filter(|r| !seen.iter().any(|s| s == r)) {
                    seen.push(reference.to_owned());
                    let schema = document.pointer(reference.trim_start_matches('#')).expect(reference);
                    let closed =
                        schema.get("properties").is_none() || schema["additionalProperties"] == false;
                    assert!(closed, "{reference} takes unknown fields");
                    walk(schema, document, seen);
                }
                map.values().for_each(|v| walk(v, document, seen));
            }
            Value::Array(list) => list.iter().for_each(|v| walk(v, document, seen)),
            _ => {}
        }
    }
    let (document, mut seen) = (document(), Vec::new());
    for (_, _, operation) in operations(&document) {
        walk(&operation["requestBody"], &document, &mut seen);
    }
    assert!(seen.len() >= 4, "{seen:?}");
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.trim_start_matches('#');
                    assert!(
                        document.pointer(pointer).is_some_and(Value::is_object),
                        "{reference} leads nowhere"
                    );
                }
                map.values().for_each(|v| walk(v, document));
            }
            Value::Array(list) => list.iter().for_each(|v| walk(v, document)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}

#[test]
fn the_documentation_is_served_and_needs_no_internet() {
    muster_testkit::run(async {
        let app = TestApp::configured(Engine::Sqlite, &["--rate-limits", "off"]);
        let get = |path: String| {
            let request = app.request(Method::GET, &path);
            async move { Answer::of(request).await }
        };
        let served = get("/api/openapi.json".into()).await;
        assert_eq!(served.body, document());
        for path in ["/api/docs", "/api/docs/"] {
            let page = get(path.into()).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(page.header("content-type").starts_with("text/html"), "{path}");
            let links: Vec<_> = page
                .text
                .split(['"', '\''])
                .filter(|part| part.ends_with(".js") || part.ends_with(".css") || part.ends_with(".png"))
                .map(str::to_owned)
                .collect();
            assert!(links.len() >= 4, "{}", page.text);
            for link in links {
                assert!(link.starts_with("/api/docs/"), "{link} is not from here");
                assert_eq!(get(link.clone()).await.status, 200, "{link}");
            }
            assert!(!page.text.contains("http://") && !page.text.contains("https://"), "{}", page.text);
        }
        let start = get("/api/docs/swagger-initializer.js".into()).await;
        assert!(start.text.contains("/api/openapi.json"), "{}", start.text);
        assert!(
            start.text.contains("validatorUrl\": \"none\"")
                || start.text.contains("\"validatorUrl\":\"none\""),
            "{}",
            start.text
        );
        assert_eq!(get("/api/docs/nothing.js".into()).await.problem(), (404, "not_found"));
        assert!(get("/api/docs/problems".into()).await.text.contains("id=\"not_found\""));
    });
}
