//! The enemy: reference book, random flow, scenarios.
