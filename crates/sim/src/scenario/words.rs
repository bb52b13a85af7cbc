//! The words of a line: letters, numbers, names and options.

use ringside_domain::Text;

use super::spell;

/// The word that is wrong and what should be there.
pub(super) type Wrong = (String, &'static str);
pub(super) type Parsed<T> = Result<T, Wrong>;

/// Options without a value.
const SWITCHES: [&str; 7] = ["ioc", "post-only", "cancel-on-disconnect", "hidden", "gtc", "fok", "mtl"];

/// A side by its word, or any other letter as it is.
pub(super) fn side(word: &str) -> Parsed<u8> {
    spell::value(&spell::SIDES, word).map_or_else(|| letter(word), Ok)
}

/// One letter, as it is or escaped.
pub(super) fn letter(word: &str) -> Parsed<u8> {
    match spell::unescape(word).as_deref() {
        Some([letter]) => Ok(*letter),
        _ => Err(wrong(word, "one letter")),
    }
}

/// A word of a table, or any other letter as it is.
pub(super) fn letter_of(table: &[(&'static str, u8)], word: &str) -> Parsed<u8> {
    spell::value(table, word).map_or_else(|| letter(word), Ok)
}

/// A word of a table and nothing else.
pub(super) fn one_of<T: Copy>(table: &[(&'static str, T)], word: &str, expected: &'static str) -> Parsed<T> {
    spell::value(table, word).ok_or_else(|| wrong(word, expected))
}

pub(super) fn number<N: std::str::FromStr>(word: &str) -> Parsed<N> {
    word.parse().map_err(|_| wrong(word, "a number"))
}

/// Nanoseconds; `us`, `ms` and `s` behind a number mean more of them.
pub(super) fn nanoseconds(word: &str) -> Parsed<u64> {
    let units = [("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("", 1)];
    let (digits, unit) = units
        .iter()
        .find_map(|(name, unit)| word.strip_suffix(name).map(|digits| (digits, *unit)))
        .expect("Invariant: every text ends with nothing");
    number::<u64>(digits)?.checked_mul(unit).ok_or_else(|| wrong(word, "a time that fits"))
}

/// Text padded to its width, as it is or escaped.
pub(super) fn text<const N: usize>(word: &str) -> Parsed<Text<N>> {
    let bytes = spell::unescape(word).filter(|bytes| bytes.len() <= N);
    let bytes = bytes.ok_or_else(|| wrong(word, "a shorter text"))?;
    let mut padded = [b' '; N];
    padded[..bytes.len()].copy_from_slice(&bytes);
    Ok(Text(padded))
}

pub(super) fn wrong(found: &str, expected: &'static str) -> Wrong {
    (found.to_owned(), expected)
}

/// The words of one line.
pub(super) struct Words<'a>(std::iter::Peekable<std::str::SplitWhitespace<'a>>);

impl<'a> Words<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Words(line.split_whitespace().peekable())
    }

    pub(super) fn next(&mut self, expected: &'static str) -> Parsed<&'a str> {
        self.0.next().ok_or_else(|| wrong("end of line", expected))
    }

    /// Takes the next word when it is this one.
    pub(super) fn next_is(&mut self, word: &str) -> bool {
        self.0.next_if_eq(&word).is_some()
    }

    pub(super) fn must_be(&mut self, word: &'static str) -> Parsed<()> {
        let found = self.next(word)?;
        if found == word { Ok(()) } else { Err(wrong(found, word)) }
    }

    pub(super) fn number<N: std::str::FromStr>(&mut self, expected: &'static str) -> Parsed<N> {
        let word = self.next(expected)?;
        word.parse().map_err(|_| wrong(word, expected))
    }

    /// The next `key=value`, or `key` alone for a switch.
    pub(super) fn option(&mut self) -> Parsed<Option<(&'a str, &'a str)>> {
        let Some(word) = self.0.next() else { return Ok(None) };
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let is_switch = SWITCHES.contains(&key);
        if is_switch != word.contains('=') { Ok(Some((key, value))) } else { Err(wrong(word, "key=value")) }
    }

    pub(super) fn end(&mut self) -> Parsed<()> {
        self.0.next().map_or(Ok(()), |word| Err(wrong(word, "end of line")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_have_a_unit() {
        assert_eq!(nanoseconds("17"), Ok(17));
        assert_eq!(nanoseconds("17us"), Ok(17_000));
        assert_eq!(nanoseconds("17ms"), Ok(17_000_000));
        assert_eq!(nanoseconds("17s"), Ok(17_000_000_000));
        assert!(nanoseconds("17h").is_err());
        assert!(nanoseconds("99999999999999s").is_err());
    }
}
