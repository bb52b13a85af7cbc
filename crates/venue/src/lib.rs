//! The wiring: rings, threads, recovery, admin.
