//! The deterministic state machine over all books.
