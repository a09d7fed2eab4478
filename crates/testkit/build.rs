//! Tells the testkit which migrations it was built with, so that a template database made from others is not
//! taken for its own.

use std::hash::{DefaultHasher, Hash, Hasher};

fn main() {
    let folder = "../../migrations/postgres";
    println!("cargo:rerun-if-changed={folder}");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the migrations")
        .map(|entry| entry.expect("an entry").path().join("up.sql"))
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        println!("cargo:rerun-if-changed={}", file.display());
        std::fs::read_to_string(&file).unwrap_or_default().hash(&mut hasher);
    }
    println!("cargo:rustc-env=MUSTER_MIGRATIONS={:016x}", hasher.finish());
}
