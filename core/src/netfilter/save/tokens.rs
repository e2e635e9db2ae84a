//! Lines cut into words, as `iptables-restore` does: blanks separate, double quotes hold together, and inside them a
//! backslash takes the next character as it is.

use crate::bytes::Text;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Without quotes and escapes.
    pub(super) bytes: Vec<u8>,
    /// Quoted words are never options.
    quoted: bool,
}

impl Token {
    /// A word without quotes.
    pub(super) fn plain(word: &str) -> Self {
        Self {
            bytes: word.as_bytes().to_vec(),
            quoted: false,
        }
    }

    /// The word, if it may be an option: unquoted, and text.
    pub(super) fn option(&self) -> Option<&str> {
        let word = self.word()?;
        (word.len() > 1 && word.starts_with('-')).then_some(word)
    }

    /// The word, if it is unquoted text.
    pub(super) fn word(&self) -> Option<&str> {
        if self.quoted {
            return None;
        }
        std::str::from_utf8(&self.bytes).ok()
    }

    /// True for the sign of negation.
    pub(super) fn is_not(&self) -> bool {
        self.word() == Some("!")
    }

    /// As it stood in the line.
    fn print(&self, out: &mut Vec<u8>) {
        if !self.quoted {
            out.extend_from_slice(&self.bytes);
            return;
        }
        out.push(b'"');
        for byte in &self.bytes {
            if matches!(byte, b'"' | b'\\' | b'\'') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        out.push(b'"');
    }
}

/// The sign of negation.
pub(super) fn not() -> Token {
    Token {
        bytes: vec![b'!'],
        quoted: false,
    }
}

/// Words in one line, in one spelling.
pub(super) fn join(tokens: &[Token]) -> Text {
    let mut out = Vec::new();
    for token in tokens {
        if !out.is_empty() {
            out.push(b' ');
        }
        token.print(&mut out);
    }
    Text::from(out)
}

/// Cuts lines into words. A quoted word may hold line breaks, so words may come only after several lines.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    done: Vec<Token>,
    current: Option<Token>,
    in_quotes: bool,
    escaped: bool,
}

impl Splitter {
    /// True while a quoted word is open.
    pub(super) fn is_open(&self) -> bool {
        self.in_quotes
    }

    /// Takes a line without its line break; the words, once no quoted word is open.
    pub(super) fn line(&mut self, line: &[u8]) -> Option<Vec<Token>> {
        if self.in_quotes {
            self.take(b'\n');
        }
        line.iter().for_each(|byte| self.take(*byte));
        if self.in_quotes {
            return None;
        }
        self.done.extend(self.current.take());
        Some(std::mem::take(&mut self.done))
    }

    fn take(&mut self, byte: u8) {
        let quotes_around = self.in_quotes && !self.escaped;
        self.escaped = match byte {
            b'\\' if quotes_around => {
                self.escaped = true;
                return;
            }
            b'"' if quotes_around => {
                self.in_quotes = false;
                return;
            }
            b'"' if !self.in_quotes => {
                self.in_quotes = true;
                self.open().quoted = true;
                return;
            }
            b' ' | b'\t' | b'\r' if !self.in_quotes => {
                self.done.extend(self.current.take());
                return;
            }
            _ => false,
        };
        self.open().bytes.push(byte);
    }

    fn open(&mut self) -> &mut Token {
        self.current.get_or_insert_with(|| Token {
            bytes: Vec::new(),
            quoted: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<String> {
        let tokens = Splitter::default().line(line.as_bytes()).unwrap();
        tokens
            .into_iter()
            .map(|token| String::from_utf8(token.bytes).unwrap())
            .collect()
    }

    #[test]
    fn escapes_count_only_inside_quotes() {
        assert_eq!(
            split(r#"-A  X --comment "it\'s \"x\" \\ y" z\w"#),
            ["-A", "X", "--comment", r#"it's "x" \ y"#, r"z\w"]
        );
        assert_eq!(split(r#"a "" b"#), ["a", "", "b"]);
    }

    #[test]
    fn a_quoted_word_goes_on_over_lines() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.line(br#"--comment "one"#), None);
        assert!(splitter.is_open());
        let tokens = splitter.line(br#"two" -j DROP"#).unwrap();
        assert_eq!(tokens[1].bytes, b"one\ntwo");
        assert_eq!(join(&tokens).as_bytes(), b"--comment \"one\ntwo\" -j DROP");
    }
}
