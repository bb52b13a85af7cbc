//! Two files of JSON lines side by side, as `print` and `export` write them: of two binaries, or of two auditors.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

/// Why files are not read as lines of JSON.
#[derive(Debug, Error)]
pub enum LinesError {
    /// A file does not open or read.
    #[error("{}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A line is no JSON.
    #[error("{}: line {line}: {error}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
        /// Why.
        error: serde_json::Error,
    },
}

/// The first line at which two files differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineDivergence {
    /// Number of the line, from 1.
    pub line: u64,
    /// The lower of the two sequences that the lines name.
    pub sequence: Option<u64>,
    /// Fields in which they differ, by name; none when a file ends here.
    pub fields: Vec<String>,
    /// The lines; `null` behind the end.
    pub sides: [Value; 2],
}

/// Two files, line by line.
pub struct Lines {
    files: [(PathBuf, BufReader<File>); 2],
    line: u64,
    texts: [String; 2],
}

impl Lines {
    /// Both at their beginning.
    pub fn open(a: &Path, b: &Path) -> Result<Lines, LinesError> {
        let open = |path: &Path| {
            let file = File::open(path).map_err(|error| LinesError::Read { path: path.into(), error })?;
            Ok((path.to_owned(), BufReader::with_capacity(1 << 18, file)))
        };
        Ok(Lines { files: [open(a)?, open(b)?], line: 0, texts: Default::default() })
    }

    /// Lines compared so far.
    pub fn compared(&self) -> u64 {
        self.line
    }

    /// The first difference; `None`: there is none. The order of the fields in a line does not count.
    pub fn first_difference(&mut self) -> Result<Option<LineDivergence>, LinesError> {
        loop {
            let more = [self.read(0)?, self.read(1)?];
            if more == [false, false] {
                return Ok(None);
            }
            self.line += 1;
            if more == [true, true] && self.texts[0] == self.texts[1] {
                continue;
            }
            let sides = [self.parse(0, more[0])?, self.parse(1, more[1])?];
            if sides[0] != sides[1] {
                return Ok(Some(self.divergence(sides)));
            }
        }
    }

    /// False at the end of the file.
    fn read(&mut self, at: usize) -> Result<bool, LinesError> {
        let (path, file) = &mut self.files[at];
        self.texts[at].clear();
        let read = file.read_line(&mut self.texts[at]);
        let read = read.map_err(|error| LinesError::Read { path: path.clone(), error })?;
        let trimmed = self.texts[at].trim_end().len();
        self.texts[at].truncate(trimmed);
        Ok(read > 0)
    }

    fn parse(&self, at: usize, is_there: bool) -> Result<Value, LinesError> {
        if !is_there {
            return Ok(Value::Null);
        }
        let path = &self.files[at].0;
        serde_json::from_str(&self.texts[at]).map_err(|error| LinesError::Json {
            path: path.clone(),
            line: self.line,
            error,
        })
    }

    fn divergence(&self, sides: [Value; 2]) -> LineDivergence {
        let sequence = sides.iter().filter_map(|side| side["sequence"].as_u64()).min();
        let fields = match (sides[0].as_object(), sides[1].as_object()) {
            (Some(a), Some(b)) => {
                let mut names: Vec<_> =
                    a.keys().chain(b.keys()).filter(|name| a.get(*name) != b.get(*name)).collect();
                names.sort();
                names.dedup();
                names.into_iter().cloned().collect()
            }
            _ => Vec::new(),
        };
        LineDivergence { line: self.line, sequence, fields, sides }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(a: &str, b: &str) -> Result<Option<LineDivergence>, LinesError> {
        let dir = tempfile::tempdir().unwrap();
        let [a, b] = [("a", a), ("b", b)].map(|(name, text)| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        });
        Lines::open(&a, &b)?.first_difference()
    }

    #[test]
    fn equal_files_and_other_orders_of_fields_are_the_same() {
        assert_eq!(first("", "").unwrap(), None);
        assert_eq!(first("{\"a\":1,\"b\":2}\n", "{\"b\":2, \"a\":1}").unwrap(), None);
    }

    #[test]
    fn the_first_line_that_differs_is_told_with_its_fields() {
        let a = "{\"sequence\":1}\n{\"sequence\":2,\"x\":1,\"y\":0}\n{\"sequence\":3}\n";
        let b = "{\"sequence\":1}\n{\"sequence\":2,\"x\":2,\"y\":0}\n{\"sequence\":9}\n";
        let found = first(a, b).unwrap().unwrap();
        assert_eq!((found.line, found.sequence, found.fields), (2, Some(2), vec!["x".to_owned()]));
        assert_eq!(found.sides[1]["x"], 2);
    }

    #[test]
    fn a_file_that_ends_early_differs_where_it_ends() {
        let found = first("{\"sequence\":1}\n", "{\"sequence\":1}\n{\"sequence\":2}\n").unwrap().unwrap();
        assert_eq!((found.line, found.sequence, &found.sides[0]), (2, Some(2), &Value::Null));
    }

    #[test]
    fn a_line_that_is_no_json_is_an_error_that_names_it() {
        let error = first("{\"a\":1}\n{\n", "{\"a\":1}\n{\"a\":2}\n").unwrap_err().to_string();
        assert!(error.contains("a: line 2"), "{error}");
    }
}
