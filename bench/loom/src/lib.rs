//! Compiles the venue's own atomics against loom and runs their tests over every interleaving. `cargo test` does it.

#[cfg(test)]
#[path = "../../../crates/venue/src/bell.rs"]
mod bell;

#[cfg(test)]
#[path = "../../../crates/venue/src/silence.rs"]
mod silence;
