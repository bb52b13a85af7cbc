//! A line that is being written: fixed words, and an option only when it is not the usual one.

use std::fmt::{Display, Write};

use ringside_domain::Text;
use ringside_domain::limits::PRICE_MARKET;

use super::spell;

/// A line of a scenario.
#[derive(Default)]
pub(super) struct Line(pub(super) String);

impl Line {
    pub(super) fn new(first: impl Display) -> Self {
        Line(first.to_string())
    }

    pub(super) fn words(&mut self, words: impl Display) {
        // Writing to a String can not fail.
        let _ = write!(self.0, " {words}");
    }

    pub(super) fn option(&mut self, key: &str, value: impl Display) {
        self.words(format_args!("{key}={value}"));
    }

    pub(super) fn letter(&mut self, key: &str, letter: u8, usual: u8) {
        if letter != usual {
            self.option(key, spell::escape(&[letter]));
        }
    }

    /// A letter that has a word of its own.
    pub(super) fn letter_or(&mut self, word: &str, of: u8, key: &str, letter: u8, usual: u8) {
        if letter == of {
            self.words(word);
        } else {
            self.letter(key, letter, usual);
        }
    }

    /// A letter by its word.
    pub(super) fn spelled(&mut self, key: &str, table: &[(&'static str, u8)], letter: u8, usual: u8) {
        if letter != usual {
            self.option(key, letter_word(table, letter));
        }
    }

    pub(super) fn number(&mut self, key: &str, number: impl Into<i64>) {
        self.number_but(key, number, 0);
    }

    pub(super) fn number_but(&mut self, key: &str, number: impl Into<i64>, usual: i64) {
        let number = number.into();
        if number != usual {
            self.option(key, number);
        }
    }

    pub(super) fn long(&mut self, key: &str, number: u64) {
        if number != 0 {
            self.option(key, number);
        }
    }

    pub(super) fn text<const N: usize>(&mut self, key: &str, text: &Text<N>) {
        if !text.is_blank() {
            self.option(key, spell::escape(text.trimmed()));
        }
    }
}

pub(super) fn price(price: u64) -> String {
    if price == PRICE_MARKET { "market".to_owned() } else { price.to_string() }
}

pub(super) fn side(letter: u8) -> String {
    letter_word(&spell::SIDES, letter)
}

/// `buy` or `sell`, for what is told to the public.
pub(super) fn half(buy: bool) -> &'static str {
    if buy { "buy" } else { "sell" }
}

/// The word of a letter, else the letter itself.
pub(super) fn letter_word(table: &[(&'static str, u8)], letter: u8) -> String {
    spell::word(table, &letter).map_or_else(|| spell::escape(&[letter]), str::to_owned)
}
