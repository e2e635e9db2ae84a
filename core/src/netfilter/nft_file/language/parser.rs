//! Walking over tokens.

use super::super::NftFileError;
use super::super::Notes;
use super::super::ast::Place;
use super::super::number::{milliseconds, plain_number};
use super::lexer::{Kind, Token, error};

pub(super) type Parsed<T> = Result<T, NftFileError>;

/// Parentheses, sets and chains within each other.
const DEEPEST: usize = 48;

#[derive(Debug)]
pub(super) struct Parser<'n> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    pub(super) notes: &'n mut Notes,
}

impl<'n> Parser<'n> {
    pub(super) fn new(tokens: Vec<Token>, notes: &'n mut Notes) -> Self {
        Self {
            tokens,
            at: 0,
            depth: 0,
            notes,
        }
    }

    pub(super) fn token(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn ahead(&self, by: usize) -> Option<&Token> {
        self.tokens.get(self.at.saturating_add(by))
    }

    /// The bare word that stands here.
    pub(super) fn word(&self) -> Option<&str> {
        self.word_ahead(0)
    }

    pub(super) fn word_ahead(&self, by: usize) -> Option<&str> {
        self.ahead(by)
            .filter(|token| token.kind == Kind::Word)
            .map(|token| token.text.as_str())
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        self.is_symbol_ahead(0, symbol)
    }

    pub(super) fn is_symbol_ahead(&self, by: usize, symbol: &str) -> bool {
        self.ahead(by)
            .is_some_and(|token| token.kind == Kind::Symbol && token.text == symbol)
    }

    /// True at the end of a line, a statement or a block.
    pub(super) fn is_end(&self) -> bool {
        self.token().is_none_or(|token| {
            token.kind == Kind::Newline
                || (token.kind == Kind::Symbol && matches!(token.text.as_str(), ";" | "}"))
        })
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let is = self.is_word(word);
        self.at += usize::from(is);
        is
    }

    pub(super) fn take_symbol(&mut self, symbol: &str) -> bool {
        let is = self.is_symbol(symbol);
        self.at += usize::from(is);
        is
    }

    pub(super) fn place(&self) -> Place {
        let here = self.token().or(self.tokens.last());
        here.map(|token| token.place)
            .unwrap_or(Place { line: 1, column: 1 })
    }

    /// An error that says what stands here.
    pub(super) fn wrong<T>(&self, wanted: &str) -> Parsed<T> {
        let found = match self.token() {
            None => "the end of the file".to_owned(),
            Some(token) if token.kind == Kind::Newline => "the end of the line".to_owned(),
            Some(token) => format!("{:?}", token.text),
        };
        error(self.place(), format!("{wanted} belongs here, not {found}"))
    }

    pub(super) fn symbol(&mut self, symbol: &str) -> Parsed<()> {
        if self.take_symbol(symbol) {
            return Ok(());
        }
        self.wrong(symbol)
    }

    pub(super) fn keyword(&mut self, word: &str) -> Parsed<()> {
        if self.take_word(word) {
            return Ok(());
        }
        self.wrong(word)
    }

    /// Any bare word.
    pub(super) fn any_word(&mut self, what: &str) -> Parsed<String> {
        match self.word().map(str::to_owned) {
            Some(word) => {
                self.at += 1;
                Ok(word)
            }
            None => self.wrong(what),
        }
    }

    /// A bare or quoted word.
    pub(super) fn text(&mut self, what: &str) -> Parsed<String> {
        match self.token() {
            Some(token) if matches!(token.kind, Kind::Word | Kind::Quoted) => {
                let text = token.text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => self.wrong(what),
        }
    }

    /// True if after the token here another word stands, bare or quoted.
    pub(super) fn is_text_ahead(&self) -> bool {
        self.ahead(1)
            .is_some_and(|token| matches!(token.kind, Kind::Word | Kind::Quoted))
    }

    pub(super) fn quoted(&mut self) -> Option<String> {
        let text = self
            .token()
            .filter(|token| token.kind == Kind::Quoted)?
            .text
            .clone();
        self.at += 1;
        Some(text)
    }

    /// A number, decimal or hexadecimal, that fits.
    pub(super) fn number<T: TryFrom<u128>>(&mut self, what: &str) -> Parsed<T> {
        let number = self.word().and_then(plain_number);
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => {
                self.at += 1;
                Ok(number)
            }
            None => self.wrong(what),
        }
    }

    /// A time with its units, in milliseconds.
    pub(super) fn time(&mut self) -> Parsed<u64> {
        match self
            .word()
            .or(self.token().map(|token| token.text.as_str()))
            .and_then(milliseconds)
        {
            Some(time) => {
                self.at += 1;
                Ok(time)
            }
            None => self.wrong("a time"),
        }
    }

    pub(super) fn newlines(&mut self) {
        while self.token().is_some_and(|token| token.kind == Kind::Newline) {
            self.at += 1;
        }
    }

    /// Ends of lines and statements.
    pub(super) fn separators(&mut self) {
        loop {
            self.newlines();
            if !self.take_symbol(";") {
                return;
            }
        }
    }

    /// What ends a statement, unless a block ends.
    pub(super) fn separator(&mut self) -> Parsed<()> {
        if self.is_end() {
            self.separators();
            return Ok(());
        }
        self.wrong("the end of the statement")
    }

    pub(super) fn mark(&self) -> usize {
        self.at
    }

    pub(super) fn back(&mut self, mark: usize) {
        self.at = mark;
    }

    /// The words between a mark and here.
    pub(super) fn words_since(&self, mark: usize) -> String {
        let tokens = self.tokens.get(mark..self.at).unwrap_or_default();
        let words: Vec<String> = tokens
            .iter()
            .map(|token| match token.kind {
                Kind::Quoted => format!("\"{}\"", token.text),
                Kind::Newline => String::new(),
                _ => token.text.clone(),
            })
            .filter(|word| !word.is_empty())
            .collect();
        words.join(" ")
    }

    /// Runs what may contain itself.
    pub(super) fn within<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return error(self.place(), "this is too deep");
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}
