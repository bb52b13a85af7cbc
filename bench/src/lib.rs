//! Criterion benches of single operations: `cargo bench -p ringside-bench`. End-to-end figures come from
//! `ringside bench`; means over tight loops say nothing about tails.
