//! The past explained.
