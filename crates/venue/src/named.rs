//! Which instruments the configuration file named at the last start.
//!
//! The state cannot tell an instrument of the file from one that an admin command added. One that leaves the file is
//! removed; one that was never in it stays. The file `instruments` in the data directory has the difference: one symbol
//! a line. Without it (an older data directory, or only the journal was copied) every instrument counts as named.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use ringside_domain::Symbol;

use crate::files::replace_durable;

/// Name of the file in the data directory.
const FILE: &str = "instruments";

/// Symbols that the file named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Named {
    /// Nothing is known: all of them.
    Everything,
    /// These.
    These(BTreeSet<Symbol>),
}

impl Named {
    /// Reads what the last start has left.
    pub fn read(data_dir: &Path) -> io::Result<Named> {
        match std::fs::read_to_string(data_dir.join(FILE)) {
            Ok(text) => Ok(Named::These(text.lines().filter_map(Symbol::new).collect())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Named::Everything),
            Err(error) => Err(error),
        }
    }

    /// True when the file named it.
    pub fn contains(&self, symbol: Symbol) -> bool {
        match self {
            Named::Everything => true,
            Named::These(symbols) => symbols.contains(&symbol),
        }
    }

    /// These, and those of another file.
    pub fn with(&self, others: &BTreeSet<Symbol>) -> Named {
        match self {
            Named::Everything => Named::Everything,
            Named::These(symbols) => Named::These(symbols.union(others).copied().collect()),
        }
    }

    /// Keeps them for the next start. Durable when this returns.
    pub fn write(&self, data_dir: &Path) -> io::Result<()> {
        let Named::These(symbols) = self else { return Ok(()) };
        let text: String = symbols.iter().map(|symbol| format!("{symbol}\n")).collect();
        replace_durable(data_dir, FILE, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_and_without_a_file_everything_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let (a, b) = (Symbol::new("A").unwrap(), Symbol::new("B").unwrap());
        assert_eq!(Named::read(scratch.path()).unwrap(), Named::Everything);
        Named::These([a].into()).write(scratch.path()).unwrap();
        let found = Named::read(scratch.path()).unwrap();
        assert!(found.contains(a) && !found.contains(b));
        assert!(found.with(&[b].into()).contains(b));
    }
}
