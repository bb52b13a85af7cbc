//! The words of a line: letters, numbers, names and options.

use ringside_domain::Text;

/// The word that is wrong and what should be there.
pub(super) type Wrong = (String, &'static str);
pub(super) type Parsed<T> = Result<T, Wrong>;

pub(super) fn side(word: &str) -> Parsed<u8> {
    match word {
        "buy" => Ok(b'B'),
        "sell" => Ok(b'S'),
        "short" => Ok(b'T'),
        "exempt" => Ok(b'E'),
        other => letter(other),
    }
}

pub(super) fn letter(word: &str) -> Parsed<u8> {
    if let [letter] = word.as_bytes() { Ok(*letter) } else { Err(wrong(word, "one letter")) }
}

pub(super) fn number<N: std::str::FromStr>(word: &str) -> Parsed<N> {
    word.parse().map_err(|_| wrong(word, "a number"))
}

pub(super) fn text<const N: usize>(word: &str) -> Parsed<Text<N>> {
    Text::new(word).ok_or(wrong(word, "a shorter text"))
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
        self.0.next().ok_or(wrong("end of line", expected))
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
        let is_switch = ["ioc", "post-only", "cancel-on-disconnect"].contains(&key);
        if is_switch != word.contains('=') { Ok(Some((key, value))) } else { Err(wrong(word, "key=value")) }
    }

    pub(super) fn end(&mut self) -> Parsed<()> {
        self.0.next().map_or(Ok(()), |word| Err(wrong(word, "end of line")))
    }
}
