//! The fields of a JSON object, taken one by one, so that what is left over is known.

use ringside_domain::{InstrumentId, LoginId, Symbol, Text};
use ringside_engine::Engine;
use serde_json::{Map, Value};

use super::CommandError;

type Result<T> = std::result::Result<T, CommandError>;

/// Fields that nobody has taken yet.
pub(super) struct Fields<'a> {
    pub(super) engine: &'a Engine,
    left: Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(engine: &'a Engine, value: &Value) -> Result<Fields<'a>> {
        let left = value.as_object().ok_or(CommandError::NotAnObject)?.clone();
        Ok(Fields { engine, left })
    }

    /// All were taken.
    pub(super) fn end(self) -> Result<()> {
        self.left.into_iter().next().map_or(Ok(()), |(name, _)| Err(CommandError::Unknown(name)))
    }

    /// The field, if it is there and says something.
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.left.remove(name).filter(|value| !value.is_null())
    }

    fn need<T>(name: &'static str, found: Option<T>) -> Result<T> {
        found.ok_or(CommandError::Missing(name))
    }

    pub(super) fn optional_number<T: TryFrom<u64>>(&mut self, name: &'static str) -> Result<Option<T>> {
        let read = |value: &Value| value.as_u64().and_then(|number| T::try_from(number).ok());
        self.take(name).map(|value| read(&value).ok_or_else(|| wrong(name, &value))).transpose()
    }

    pub(super) fn number<T: TryFrom<u64>>(&mut self, name: &'static str) -> Result<T> {
        let found = self.optional_number(name)?;
        Self::need(name, found)
    }

    pub(super) fn number_or<T: TryFrom<u64>>(&mut self, name: &'static str, default: T) -> Result<T> {
        Ok(self.optional_number(name)?.unwrap_or(default))
    }

    pub(super) fn signed_or(&mut self, name: &'static str, default: i32) -> Result<i32> {
        let Some(value) = self.take(name) else { return Ok(default) };
        value.as_i64().and_then(|number| i32::try_from(number).ok()).ok_or_else(|| wrong(name, &value))
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool> {
        let value = self.take(name);
        let value = Self::need(name, value)?;
        value.as_bool().ok_or_else(|| wrong(name, &value))
    }

    pub(super) fn word(&mut self, name: &'static str) -> Result<String> {
        let value = self.take(name);
        let value = Self::need(name, value)?;
        value.as_str().map(str::to_owned).ok_or_else(|| wrong(name, &value))
    }

    /// A text; blank when it is not there.
    pub(super) fn text<const N: usize>(&mut self, name: &'static str) -> Result<Text<N>> {
        let Some(value) = self.take(name) else { return Ok(Text::BLANK) };
        value.as_str().and_then(Text::new).ok_or_else(|| wrong(name, &value))
    }

    /// A letter; a byte that is none comes as a number.
    fn optional_letter(&mut self, name: &'static str) -> Result<Option<u8>> {
        let read = |value: &Value| match value.as_str() {
            Some(text) => <[u8; 1]>::try_from(text.as_bytes()).ok().map(|[letter]| letter),
            None => value.as_u64().and_then(|byte| u8::try_from(byte).ok()),
        };
        self.take(name).map(|value| read(&value).ok_or_else(|| wrong(name, &value))).transpose()
    }

    pub(super) fn letter(&mut self, name: &'static str) -> Result<u8> {
        let found = self.optional_letter(name)?;
        Self::need(name, found)
    }

    pub(super) fn letter_or(&mut self, name: &'static str, default: u8) -> Result<u8> {
        Ok(self.optional_letter(name)?.unwrap_or(default))
    }

    /// One of the letters that mean something.
    pub(super) fn known<T>(&mut self, name: &'static str, of: impl Fn(u8) -> Option<T>) -> Result<T> {
        let letter = self.letter(name)?;
        of(letter).ok_or_else(|| wrong(name, &Value::from(char::from(letter).to_string())))
    }

    pub(super) fn optional_login(&mut self, name: &'static str) -> Result<Option<LoginId>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let found = value.as_str().and_then(|text| login_named(self.engine, text));
        found.map(Some).ok_or_else(|| wrong(name, &value))
    }

    pub(super) fn login(&mut self, name: &'static str) -> Result<LoginId> {
        let found = self.optional_login(name)?;
        Self::need(name, found)
    }

    /// By id, else by symbol; 0 when there is neither.
    pub(super) fn instrument_or_none(&mut self) -> Result<InstrumentId> {
        let id = self.optional_number("instrument")?;
        let Some(value) = self.take("symbol") else { return Ok(InstrumentId(id.unwrap_or(0))) };
        if let Some(id) = id {
            return Ok(InstrumentId(id));
        }
        let found = value.as_str().and_then(Symbol::new).and_then(|symbol| listed(self.engine, symbol));
        found.ok_or_else(|| wrong("symbol", &value))
    }

    pub(super) fn instrument(&mut self) -> Result<InstrumentId> {
        match self.instrument_or_none()? {
            InstrumentId(0) => Err(CommandError::Missing("instrument")),
            found => Ok(found),
        }
    }

    /// The fields of an object inside this one.
    pub(super) fn within<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&mut Fields<'a>) -> Result<T>,
    ) -> Result<T> {
        let value = self.take(name);
        let mut fields = Fields::new(self.engine, &Self::need(name, value)?)?;
        let found = read(&mut fields)?;
        fields.end()?;
        Ok(found)
    }

    /// The objects of a list, none when it is not there.
    pub(super) fn list(&mut self, name: &'static str) -> Result<Vec<Fields<'a>>> {
        let Some(value) = self.take(name) else { return Ok(Vec::new()) };
        let values = value.as_array().ok_or_else(|| wrong(name, &value))?;
        values.iter().map(|value| Fields::new(self.engine, value)).collect()
    }
}

pub(super) fn wrong(name: &'static str, value: &Value) -> CommandError {
    CommandError::Value { name, found: value.to_string() }
}

/// A login by its name, the listed one before one of the past; `#7` is number 7.
pub fn login_named(engine: &Engine, name: &str) -> Option<LoginId> {
    let named = |listed: bool| {
        let mut logins = engine.logins().iter();
        logins.find(|login| login.listed == listed && login.terms.username.as_str() == name)
    };
    let found = named(true).or_else(|| named(false)).map(|login| login.terms.login);
    found.or_else(|| name.strip_prefix('#')?.parse().ok().map(LoginId))
}

/// A symbol names one listed instrument at a time.
pub fn listed(engine: &Engine, symbol: Symbol) -> Option<InstrumentId> {
    let mut instruments = engine.instruments().iter();
    let found = instruments.find(|found| found.listed && found.terms.symbol == symbol);
    found.map(|found| found.terms.instrument)
}
