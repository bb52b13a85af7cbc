//! Mapped and direct files, and their faulty twins for tests.
