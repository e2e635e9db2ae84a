//! Values: what fields are compared with or set to.

use super::super::ast::{Binary, Element, Expr, Judgement, Relation, Statement, Target};
use super::lexer::error;
use super::parser::{Parsed, Parser};

impl Parser<'_> {
    /// What stands to the right of a field.
    pub(super) fn right(&mut self) -> Parsed<Expr> {
        if self.take_symbol("!") || self.take_word("not") {
            return Ok(Expr::Without(Box::new(self.list()?)));
        }
        let first = self.list()?;
        if self.take_symbol("/") {
            return Ok(Expr::UnderMask(Box::new(first), Box::new(self.list()?)));
        }
        Ok(first)
    }

    fn list(&mut self) -> Parsed<Expr> {
        let first = self.concat()?;
        if !self.is_symbol(",") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take_symbol(",") {
            self.newlines();
            parts.push(self.concat()?);
        }
        Ok(Expr::List(parts))
    }

    /// Values side by side.
    pub(super) fn concat(&mut self) -> Parsed<Expr> {
        let first = self.span()?;
        if !self.is_symbol(".") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take_symbol(".") {
            parts.push(self.span()?);
        }
        Ok(Expr::Concat(parts))
    }

    /// One value, a range or a prefix.
    pub(super) fn span(&mut self) -> Parsed<Expr> {
        let from = self.bits(0)?;
        if self.take_symbol("-") {
            return Ok(Expr::Range(Box::new(from), Box::new(self.bits(0)?)));
        }
        let length = self
            .word_ahead(1)
            .is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
        if self.is_symbol("/") && length {
            self.symbol("/")?;
            return Ok(Expr::Prefix(
                Box::new(from),
                self.number("the length of a prefix")?,
            ));
        }
        Ok(from)
    }

    /// The operator of this rank that stands here; `|` binds least.
    pub(super) fn operator(&self, rank: usize) -> Option<Binary> {
        const RANKS: [&[(&str, &str, Binary)]; 4] = [
            &[("|", "or", Binary::Or)],
            &[("^", "xor", Binary::Xor)],
            &[("&", "and", Binary::And)],
            &[("<<", "lshift", Binary::Left), (">>", "rshift", Binary::Right)],
        ];
        let row = RANKS.get(rank)?.iter();
        let found = row
            .copied()
            .find(|(symbol, word, _)| self.is_symbol(symbol) || self.is_word(word));
        found.map(|(_, _, binary)| binary)
    }

    /// Operators from this rank on.
    fn bits(&mut self, rank: usize) -> Parsed<Expr> {
        if rank > 3 {
            return self.primary();
        }
        let mut left = self.bits(rank + 1)?;
        while let Some(binary) = self.operator(rank) {
            self.step();
            left = Expr::Binary(binary, Box::new(left), Box::new(self.bits(rank + 1)?));
        }
        Ok(left)
    }

    fn step(&mut self) {
        let next = self.mark() + 1;
        self.back(next);
    }

    /// The right side of an operator of this rank.
    pub(super) fn operand(&mut self, rank: usize) -> Parsed<Expr> {
        self.step();
        self.bits(rank + 1)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        if self.is_symbol("{") {
            return self.within(|parser| parser.set().map(Expr::Set));
        }
        if self.take_symbol("(") {
            return self.within(|parser| {
                let inner = parser.list()?;
                parser.symbol(")")?;
                Ok(inner)
            });
        }
        if self.take_symbol("[") {
            let address = self.any_word("an address")?;
            self.symbol("]")?;
            return Ok(Expr::Word(address));
        }
        if self.take_symbol("@") {
            return self.any_word("the name of a set").map(Expr::SetName);
        }
        if self.take_symbol("*") {
            return Ok(Expr::CatchAll);
        }
        if let Some(text) = self.quoted() {
            return Ok(Expr::Quoted(text));
        }
        self.any_word("a value").map(Expr::Word)
    }

    /// `{ … }`: elements of a set or map. A set within a set is its elements.
    pub(super) fn set(&mut self) -> Parsed<Vec<Element>> {
        self.symbol("{")?;
        let mut out = Vec::new();
        loop {
            self.newlines();
            if self.take_symbol("}") {
                return Ok(out);
            }
            let element = self.element()?;
            match element.key {
                Expr::Set(inner) if element.data.is_none() => out.extend(inner),
                _ => out.push(element),
            }
            self.newlines();
            if !self.take_symbol(",") && !self.is_symbol("}") {
                return self.wrong("a comma or }");
            }
        }
    }

    pub(super) fn element(&mut self) -> Parsed<Element> {
        let key = self.concat()?;
        self.element_with(key)
    }

    /// What may follow the key of an element.
    pub(super) fn element_with(&mut self, key: Expr) -> Parsed<Element> {
        let mut element = self.element_options(key)?;
        if self.take_symbol(":") {
            self.newlines();
            element.data = Some(self.datum()?);
        }
        Ok(element)
    }

    /// What may stand between the key of an element and its value.
    pub(super) fn element_options(&mut self, key: Expr) -> Parsed<Element> {
        let mut element = Element::from(key);
        loop {
            match self.word() {
                Some("timeout") => {
                    self.step();
                    element.timeout_ms = Some(self.time()?);
                }
                Some("expires") => {
                    self.step();
                    self.time()?;
                }
                Some("comment") => {
                    self.step();
                    element.comment = Some(self.text("a comment")?);
                }
                Some("counter" | "limit" | "quota" | "ct") => element.statements.push(self.stateful()?),
                _ => break,
            }
        }
        Ok(element)
    }

    /// A map's value.
    pub(super) fn datum(&mut self) -> Parsed<Expr> {
        match self.judgement()? {
            Some(judgement) => Ok(Expr::Verdict(judgement)),
            None => self.concat(),
        }
    }

    /// A verdict, if one stands here.
    pub(super) fn judgement(&mut self) -> Parsed<Option<Judgement>> {
        let simple = match self.word() {
            Some("accept") => Judgement::Accept,
            Some("drop") => Judgement::Drop,
            Some("continue") => Judgement::Continue,
            Some("return") => Judgement::Return,
            Some(word @ ("jump" | "goto")) => {
                let jump = word == "jump";
                self.step();
                let target = self.target()?;
                return Ok(Some(if jump {
                    Judgement::Jump(target)
                } else {
                    Judgement::Goto(target)
                }));
            }
            _ => return Ok(None),
        };
        self.step();
        Ok(Some(simple))
    }

    fn target(&mut self) -> Parsed<Target> {
        if !self.is_symbol("{") {
            return self.text("the name of a chain").map(Target::Chain);
        }
        self.within(|parser| {
            parser.symbol("{")?;
            let mut rules = Vec::new();
            loop {
                parser.separators();
                if parser.take_symbol("}") {
                    return Ok(Target::Rules(rules));
                }
                if parser.token().is_none() {
                    return parser.wrong("}");
                }
                rules.push(parser.rule()?);
                parser.separator()?;
            }
        })
    }

    /// How a field is compared with what follows.
    pub(super) fn relation(&mut self) -> Relation {
        const SYMBOLS: [(&str, &str, Relation); 6] = [
            ("==", "eq", Relation::Eq),
            ("!=", "ne", Relation::Ne),
            ("<=", "le", Relation::Le),
            (">=", "ge", Relation::Ge),
            ("<", "lt", Relation::Lt),
            (">", "gt", Relation::Gt),
        ];
        for (symbol, word, relation) in SYMBOLS {
            if self.take_symbol(symbol) || self.take_word(word) {
                return relation;
            }
        }
        Relation::Implied
    }

    /// A map or set after `map` or `vmap`.
    pub(super) fn map(&mut self) -> Parsed<Expr> {
        if self.take_symbol("@") {
            return self.any_word("the name of a map").map(Expr::SetName);
        }
        self.within(|parser| parser.set().map(Expr::Set))
    }

    /// A value of any kind: a constant, a field, or what a map gives.
    pub(super) fn any(&mut self) -> Parsed<Expr> {
        if !self.is_field() {
            let mark = self.mark();
            let constant = self.list()?;
            if self.is_word("map") {
                let place = self.place();
                self.back(mark);
                return error(place, "a constant is no key of a map");
            }
            return Ok(constant);
        }
        let field = self.fields()?;
        if self.take_word("map") {
            return Ok(Expr::Map {
                key: Box::new(field),
                map: Box::new(self.map()?),
            });
        }
        Ok(field)
    }

    /// A statement that an element may carry.
    fn stateful(&mut self) -> Parsed<Statement> {
        match self.statement()? {
            statement @ (Statement::Counter(_)
            | Statement::Limit(_)
            | Statement::Quota { .. }
            | Statement::ConnLimit { .. }) => Ok(statement),
            _ => self.wrong("a statement that keeps a state"),
        }
    }
}
