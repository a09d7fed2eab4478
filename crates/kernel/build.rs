//! Migrations are embedded at build time; cargo has to be told to watch their folders, or a new one is missed.

fn main() {
    for engine in ["sqlite", "postgres"] {
        println!("cargo:rerun-if-changed=../../migrations/{engine}");
    }
}
