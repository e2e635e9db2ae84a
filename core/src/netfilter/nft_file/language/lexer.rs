//! Text into tokens, as `nft`'s scanner cuts it: the longest match wins.

use std::net::Ipv6Addr;

use super::super::NftFileError;
use super::super::ast::Place;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word, a number, an address.
    Word,
    Quoted,
    Symbol,
    Newline,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) place: Place,
}

/// Longer ones first.
const SYMBOLS: [&str; 27] = [
    "!=", "==", "<=", ">=", "<<", ">>", "{", "}", "(", ")", "[", "]", ";", ",", ":", ".", "/", "-", "+", "!",
    "<", ">", "&", "|", "^", "=", "*",
];

pub(super) fn error<T>(place: Place, why: impl Into<String>) -> Result<T, NftFileError> {
    Err(NftFileError::Syntax {
        line: place.line,
        column: place.column,
        why: why.into(),
    })
}

/// The tokens of a text.
pub(super) fn tokens(text: &[u8]) -> Result<Vec<Token>, NftFileError> {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(wrong) => {
            let before = text.get(..wrong.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            return error(Place { line, column }, "this is not text in UTF-8");
        }
    };
    let mut lexer = Lexer {
        rest: text,
        place: Place { line: 1, column: 1 },
    };
    let mut out = Vec::new();
    while let Some(token) = lexer.next()? {
        out.push(token);
    }
    Ok(out)
}

struct Lexer<'t> {
    rest: &'t str,
    place: Place,
}

impl<'t> Lexer<'t> {
    fn advance(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        for letter in taken.chars() {
            if letter == '\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else {
                self.place.column += 1;
            }
        }
        self.rest = rest;
        taken
    }

    fn skip(&mut self) {
        loop {
            let blank = self
                .rest
                .bytes()
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
                .count();
            self.advance(blank);
            if self.rest.starts_with('#') {
                let line = self.rest.find('\n').unwrap_or(self.rest.len());
                self.advance(line);
            } else if self.rest.starts_with("\\\n") {
                self.advance(2);
            } else if self.rest.starts_with("\\\r\n") {
                self.advance(3);
            } else if blank == 0 {
                return;
            }
        }
    }

    fn next(&mut self) -> Result<Option<Token>, NftFileError> {
        self.skip();
        let place = self.place;
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let token = |kind, text: &str| {
            Ok(Some(Token {
                kind,
                text: text.to_owned(),
                place,
            }))
        };
        if first == '\n' {
            return token(Kind::Newline, self.advance(1));
        }
        if first == '"' {
            let Some(end) = self.rest.get(1..).and_then(|rest| rest.find(['"', '\n', '\0'])) else {
                return error(place, "a quoted word does not end");
            };
            if !self.rest.get(end + 1..).is_some_and(|rest| rest.starts_with('"')) {
                return error(place, "a quoted word does not end");
            }
            let text = self.advance(end + 2);
            return token(Kind::Quoted, text.trim_matches('"'));
        }
        let word = word_length(self.rest);
        if word != 0 {
            return token(Kind::Word, self.advance(word));
        }
        if let Some(symbol) = SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol)) {
            return token(Kind::Symbol, self.advance(symbol.len()));
        }
        if matches!(first, '@' | '$') {
            return token(Kind::Symbol, self.advance(1));
        }
        error(place, format!("{first:?} has no meaning here"))
    }
}

/// How many bytes belong to a word that begins here.
fn word_length(text: &str) -> usize {
    let Some(first) = text.bytes().next() else {
        return 0;
    };
    let special = [mac(text), address6(text), handle(text), address4(text)];
    let special = special.into_iter().max().unwrap_or_default();
    let plain = match first {
        b'0'..=b'9' => text
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count(),
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
            let is_part =
                |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
            let length = text.bytes().take_while(is_part).count();
            length + usize::from(text.as_bytes().get(length) == Some(&b'*'))
        }
        _ => 0,
    };
    special.max(plain)
}

fn hex_run(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_hexdigit).count()
}

/// Six groups of one or two hexadecimal digits.
fn mac(text: &str) -> usize {
    let mut at = 0;
    for group in 0..6 {
        let run = hex_run(text.get(at..).unwrap_or_default());
        if !(1..=2).contains(&run) {
            return 0;
        }
        at += run;
        if group < 5 {
            if text.as_bytes().get(at) != Some(&b':') {
                return 0;
            }
            at += 1;
        }
    }
    if text.as_bytes().get(at) == Some(&b':') {
        0
    } else {
        at
    }
}

/// The longest form of an IPv6 address, `INET6_ADDRSTRLEN`. What runs on is not looked at again at each of its bytes.
const LONGEST_ADDRESS: usize = 46;

fn address6(text: &str) -> usize {
    let longest = text
        .bytes()
        .take(LONGEST_ADDRESS)
        .take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        .count();
    (2..=longest)
        .rev()
        .find(|length| {
            let candidate = text.get(..*length).unwrap_or_default();
            candidate.bytes().filter(|byte| *byte == b':').count() > 1
                && candidate.parse::<Ipv6Addr>().is_ok()
        })
        .unwrap_or_default()
}

/// `major:minor` of traffic control.
fn handle(text: &str) -> usize {
    let major = hex_run(text);
    let Some(rest) = text.get(major..).and_then(|rest| rest.strip_prefix(':')) else {
        return 0;
    };
    let minor = hex_run(rest);
    let ends = !rest
        .get(minor..)
        .is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_alphanumeric()));
    if (1..=4).contains(&major) && (1..=4).contains(&minor) && ends {
        major + 1 + minor
    } else {
        0
    }
}

fn address4(text: &str) -> usize {
    let mut at = 0;
    for group in 0..4 {
        let digits = text
            .get(at..)
            .unwrap_or_default()
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        if !(1..=3).contains(&digits) {
            return 0;
        }
        at += digits;
        if group < 3 {
            if text.as_bytes().get(at) != Some(&b'.') {
                return 0;
            }
            at += 1;
        }
    }
    at
}
