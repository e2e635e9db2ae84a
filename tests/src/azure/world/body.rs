//! Reading bodies of resources: what is of no known shape is an error that names resource and field.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::{Id, WorldError};

/// An object in the body of a resource.
#[derive(Clone)]
pub(super) struct Body<'a> {
    id: &'a Id,
    at: String,
    fields: &'a Map<String, Value>,
}

impl<'a> Body<'a> {
    pub(super) fn of(id: &'a Id, value: &'a Value) -> Result<Self, WorldError> {
        Self::at(id, String::new(), value)
    }

    fn at(id: &'a Id, at: String, value: &'a Value) -> Result<Self, WorldError> {
        match value.as_object() {
            Some(fields) => Ok(Self { id, at, fields }),
            None => Err(WorldError::field(id, &at, "no object")),
        }
    }

    fn path(&self, name: &str) -> String {
        if self.at.is_empty() {
            return name.to_owned();
        }
        format!("{}.{name}", self.at)
    }

    /// An error about this field.
    pub(super) fn bad(&self, name: &str, why: &str) -> WorldError {
        WorldError::field(self.id, &self.path(name), why)
    }

    /// The field, where it is there and not null.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn inside(&self, name: &str) -> Result<Option<Self>, WorldError> {
        self.value(name)
            .map(|value| Self::at(self.id, self.path(name), value))
            .transpose()
    }

    /// The object `properties`, which every resource has.
    pub(super) fn properties(&self) -> Result<Self, WorldError> {
        self.inside("properties")?
            .ok_or_else(|| self.bad("properties", "missing"))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, WorldError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.bad(name, "no string")),
        }
    }

    pub(super) fn need(&self, name: &str) -> Result<&'a str, WorldError> {
        self.text(name)?.ok_or_else(|| self.bad(name, "missing"))
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, WorldError> {
        match self.value(name) {
            None => Ok(default),
            Some(Value::Bool(set)) => Ok(*set),
            Some(_) => Err(self.bad(name, "neither true nor false")),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<u64, WorldError> {
        let number = self.value(name).and_then(Value::as_u64);
        number.ok_or_else(|| self.bad(name, "no whole number"))
    }

    /// The members of a list; none where it is absent.
    pub(super) fn list(&self, name: &str) -> Result<Vec<&'a Value>, WorldError> {
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(members)) => Ok(members.iter().collect()),
            Some(_) => Err(self.bad(name, "no list")),
        }
    }

    /// The objects of a list; none where it is absent.
    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, WorldError> {
        let member = |(number, value)| Self::at(self.id, format!("{}.{number}", self.path(name)), value);
        self.list(name)?.into_iter().enumerate().map(member).collect()
    }

    /// The strings of a list; none where it is absent.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, WorldError> {
        let text = |value: &'a Value| {
            value
                .as_str()
                .ok_or_else(|| self.bad(name, "a member is no string"))
        };
        self.list(name)?.into_iter().map(text).collect()
    }

    /// The strings of the field in the singular and of the one in the plural.
    pub(super) fn both(&self, one: &str, many: &str) -> Result<Vec<&'a str>, WorldError> {
        let mut texts = self.texts(many)?;
        if let Some(text) = self.text(one)?.filter(|text| !text.is_empty()) {
            texts.push(text);
        }
        Ok(texts)
    }

    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
        text: &str,
    ) -> Result<T, WorldError> {
        text.parse()
            .map_err(|error: T::Err| self.bad(name, &error.to_string()))
    }

    pub(super) fn all_parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Vec<T>, WorldError> {
        let texts = self.texts(name)?;
        texts.into_iter().map(|text| self.parsed(name, text)).collect()
    }

    /// The id in the object of this name: `{"subnet": {"id": …}}`.
    pub(super) fn reference(&self, name: &str) -> Result<Option<Id>, WorldError> {
        match self.inside(name)? {
            None => Ok(None),
            Some(object) => Ok(Some(Id::new(object.need("id")?))),
        }
    }

    /// The ids of a list of such objects.
    pub(super) fn references(&self, name: &str) -> Result<Vec<Id>, WorldError> {
        let objects = self.objects(name)?;
        objects
            .iter()
            .map(|object| Ok(Id::new(object.need("id")?)))
            .collect()
    }

    /// One of these words, in any letter case.
    pub(super) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<T, WorldError> {
        let text = self.need(name)?;
        words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text))
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| self.bad(name, &format!("{text:?} is not known")))
    }
}
