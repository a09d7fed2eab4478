//! The rules of the house that a machine can keep.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand};

/// Who may stand on whom. A new edge needs a decision record in docs/adr.
const EDGES: &[(&str, &[&str])] = &[
    ("muster-kernel", &[]),
    ("muster-auth", &["muster-kernel"]),
    ("muster-finance", &["muster-kernel", "muster-auth"]),
    ("muster-members", &["muster-kernel", "muster-auth", "muster-finance"]),
    ("muster-coaches", &["muster-kernel", "muster-auth", "muster-finance"]),
    ("muster-chat", &["muster-kernel", "muster-auth", "muster-members"]),
    (
        "muster-classes",
        &[
            "muster-kernel",
            "muster-auth",
            "muster-members",
            "muster-coaches",
            "muster-finance",
            "muster-chat",
        ],
    ),
    ("muster-testkit", &["muster-kernel", "muster-auth"]),
    ("muster-bench", &["muster-kernel"]),
    (
        "muster",
        &[
            "muster-kernel",
            "muster-auth",
            "muster-finance",
            "muster-members",
            "muster-coaches",
            "muster-chat",
            "muster-classes",
        ],
    ),
];

#[test]
fn every_crate_stands_only_on_those_it_may() {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .no_deps()
        .exec()
        .expect("the workspace");
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(name, edges)| (*name, edges.iter().copied().collect())).collect();
    let names: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        names,
        allowed.keys().copied().collect(),
        "the crates of the workspace are those of the table"
    );
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development) {
            if names.contains(dependency.name.as_str()) {
                let fine = allowed[package.name.as_str()].contains(dependency.name.as_str());
                assert!(fine, "{} must not stand on {}", package.name, dependency.name);
            }
        }
    }
}

#[test]
fn both_engines_have_the_same_migrations() {
    let [sqlite, postgres] = muster_kernel::db::known_migrations().expect("the migrations");
    assert_eq!(sqlite, postgres);
    assert!(!sqlite.is_empty());
}
