//! `define`, `$name` and `include`: tokens for tokens, before anything is parsed.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::vec::IntoIter;

use super::super::{NftFileError, Notes, UNREAD_INCLUDE};
use super::lexer::{Kind, Token, error, tokens};

/// Files within files.
const DEEPEST: usize = 16;
/// Files that are put in, again and again counted: a few that include each other many times have no tokens and no end.
const FILES: usize = 4096;
/// Tokens after all names are put in: a file that names names of names grows without bound.
const MOST: usize = 4_000_000;

/// Puts defined names and included files in their places.
pub(super) struct Macros<'m, 'n> {
    pub(super) include: &'m dyn Fn(&str) -> Option<Vec<u8>>,
    pub(super) notes: &'n mut Notes,
    names: BTreeMap<String, Vec<Token>>,
    out: Vec<Token>,
    files: usize,
}

impl<'m, 'n> Macros<'m, 'n> {
    pub(super) fn expand(
        include: &'m dyn Fn(&str) -> Option<Vec<u8>>,
        notes: &'n mut Notes,
        text: &[u8],
    ) -> Result<Vec<Token>, NftFileError> {
        let mut macros = Self {
            include,
            notes,
            names: BTreeMap::new(),
            out: Vec::new(),
            files: 0,
        };
        macros.file(tokens(text)?, 0)?;
        Ok(macros.out)
    }

    fn file(&mut self, tokens: Vec<Token>, depth: usize) -> Result<(), NftFileError> {
        let mut tokens = tokens.into_iter().peekable();
        let mut begins = true;
        while let Some(token) = tokens.next() {
            let is_word = token.kind == Kind::Word;
            let began = std::mem::replace(&mut begins, is_separator(&token));
            match token.text.as_str() {
                "include" if is_word && began => {
                    let Some(name) = tokens.next_if(|next| next.kind == Kind::Quoted) else {
                        return error(token.place, "include without a file's name");
                    };
                    self.include(&name, depth)?;
                }
                "define" | "redefine" if is_word && began => {
                    let name = tokens.next_if(|next| next.kind == Kind::Word);
                    let equals = tokens.next_if(|next| next.kind == Kind::Symbol && next.text == "=");
                    let (Some(name), Some(_)) = (name, equals) else {
                        return error(token.place, "define without a name and =");
                    };
                    let value = self.value(&mut tokens)?;
                    self.names.insert(name.text, value);
                }
                "undefine" if is_word && began => {
                    let Some(name) = tokens.next_if(|next| next.kind == Kind::Word) else {
                        return error(token.place, "undefine without a name");
                    };
                    self.names.remove(&name.text);
                }
                "$" if token.kind == Kind::Symbol => {
                    let value = self.named(&token, tokens.next())?;
                    self.out.extend(value);
                }
                _ => self.out.push(token.clone()),
            }
            if self.out.len() > MOST {
                return error(token.place, "the file grows beyond all bounds");
            }
        }
        Ok(())
    }

    /// The tokens up to the end of the line; a set may go over several.
    fn value(&mut self, tokens: &mut Peekable<IntoIter<Token>>) -> Result<Vec<Token>, NftFileError> {
        let mut out: Vec<Token> = Vec::new();
        let mut open = 0_usize;
        // The separator stays for whoever reads on.
        while let Some(token) = tokens.next_if(|next| open > 0 || !ends_value(next)) {
            match (token.text.as_str(), &token.kind) {
                ("{", Kind::Symbol) => open += 1,
                ("}", Kind::Symbol) => open = open.saturating_sub(1),
                ("$", Kind::Symbol) => {
                    let value = self.named(&token, tokens.next())?;
                    out.extend(value);
                    if out.len() > MOST {
                        return error(token.place, "the value grows beyond all bounds");
                    }
                    continue;
                }
                _ => {}
            }
            if token.kind != Kind::Newline {
                out.push(token);
            }
        }
        Ok(out)
    }

    fn named(&self, at: &Token, name: Option<Token>) -> Result<Vec<Token>, NftFileError> {
        let Some(name) = name.filter(|name| name.kind == Kind::Word) else {
            return error(at.place, "$ without a name");
        };
        match self.names.get(&name.text) {
            Some(value) => Ok(value
                .iter()
                .map(|token| Token {
                    place: at.place,
                    ..token.clone()
                })
                .collect()),
            None => error(at.place, format!("nothing defines ${}", name.text)),
        }
    }

    fn include(&mut self, name: &Token, depth: usize) -> Result<(), NftFileError> {
        self.files += 1;
        if depth >= DEEPEST || self.files > FILES {
            return error(name.place, "files include files without end");
        }
        match (self.include)(&name.text) {
            Some(text) => self.file(tokens(&text)?, depth + 1),
            None => {
                let what = format!("line {}: the file {} was not given", name.place.line, name.text);
                self.notes.warn(UNREAD_INCLUDE, what.clone());
                self.notes.gap(&name.text, &what);
                Ok(())
            }
        }
    }
}

fn is_separator(token: &Token) -> bool {
    token.kind == Kind::Newline
        || (token.kind == Kind::Symbol && matches!(token.text.as_str(), ";" | "{" | "}"))
}

fn ends_value(token: &Token) -> bool {
    token.kind == Kind::Newline || (token.kind == Kind::Symbol && token.text == ";")
}
