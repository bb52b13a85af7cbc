//! The write-ahead log: the boundary of success.
