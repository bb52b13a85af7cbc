//! Compiles the venue's bell against loom and runs its tests over every interleaving. `cargo test` does it.

#[cfg(test)]
#[path = "../../../crates/venue/src/bell.rs"]
mod bell;
