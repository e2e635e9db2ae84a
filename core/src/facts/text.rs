//! For people: one line, the properties as words.

use std::fmt;

use super::{Fact, Property, Value};

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        for part in &self.key {
            write!(f, " {part}")?;
        }
        for property in &self.properties {
            write!(f, " {property}")?;
        }
        for attribute in &self.other {
            write!(f, " attribute {} {}", attribute.number, attribute.payload)?;
        }
        Ok(())
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Flag => f.write_str(&self.name),
            value => write!(f, "{} {value}", self.name),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("yes"),
            Self::Word(word) => f.write_str(word),
            Self::Text(text) => write!(f, "{text}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bytes(bytes) => write!(f, "{bytes}"),
            Self::List(values) => several(f, ['[', ']'], values),
            Self::Group(properties) => several(f, ['{', '}'], properties),
        }
    }
}

fn several<T: fmt::Display>(f: &mut fmt::Formatter<'_>, [open, close]: [char; 2], all: &[T]) -> fmt::Result {
    write!(f, "{open}")?;
    for (place, one) in all.iter().enumerate() {
        if place > 0 {
            f.write_str(" ")?;
        }
        write!(f, "{one}")?;
    }
    write!(f, "{close}")
}
