//! Sets and maps.

use super::super::ast::{Kind, Set};
use super::parser::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn set_line(&mut self, set: &mut Set) -> Parsed<()> {
        let Some(word) = self.word().map(str::to_owned) else {
            return self.wrong("a part of a set");
        };
        match word.as_str() {
            "counter" | "limit" | "quota" | "ct" => {
                let statement = self.statement()?;
                set.statements.push(statement);
                return Ok(());
            }
            _ => self.keyword(&word)?,
        }
        match word.as_str() {
            "type" => {
                set.key = Some(Kind::Named(self.type_names()?));
                if self.take_symbol(":") {
                    set.data = Some(self.data_kind()?);
                }
            }
            "typeof" => {
                set.key = Some(Kind::Of(self.fields()?));
                if self.take_symbol(":") {
                    self.take_word("interval");
                    set.data = Some(if self.is_field() {
                        Kind::Of(self.fields()?)
                    } else {
                        self.data_kind()?
                    });
                }
            }
            "flags" => set.flags = self.words_in_list(&["constant", "interval", "timeout", "dynamic"])?,
            "timeout" => set.timeout_ms = Some(self.time()?),
            "gc-interval" => set.gc_interval_ms = u32::try_from(self.time()?).ok(),
            "size" => set.size = Some(self.number("a size")?),
            "policy" => set.policy = Some(self.any_word("performance or memory")?),
            "auto-merge" => set.auto_merge = true,
            "comment" => set.comment = Some(self.text("a comment")?),
            "elements" => {
                self.symbol("=")?;
                self.newlines();
                set.elements.extend(self.within(Self::set)?);
            }
            _ => {
                let before = self.mark().saturating_sub(1);
                self.back(before);
                return self.wrong("a part of a set");
            }
        }
        Ok(())
    }

    fn type_names(&mut self) -> Parsed<Vec<String>> {
        let mut out = vec![self.any_word("a type")?];
        while self.take_symbol(".") {
            out.push(self.any_word("a type")?);
        }
        Ok(out)
    }

    fn data_kind(&mut self) -> Parsed<Kind> {
        self.take_word("interval");
        match (self.word(), self.word_ahead(1)) {
            (Some("verdict"), _) => {
                self.keyword("verdict")?;
                Ok(Kind::Verdict)
            }
            (Some(word @ ("counter" | "quota" | "limit" | "synproxy" | "secmark")), _) => {
                let kind = word.to_owned();
                self.keyword(&kind)?;
                Ok(Kind::Object(kind))
            }
            (Some("ct"), Some(of)) => {
                let kind = format!("ct {of}");
                self.keyword("ct")?;
                self.any_word("an object")?;
                Ok(Kind::Object(kind))
            }
            _ => self.type_names().map(Kind::Named),
        }
    }
}
