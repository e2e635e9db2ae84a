//! Random choices that a printed seed repeats.

use std::time::{SystemTime, UNIX_EPOCH};

/// xorshift64* over a mixed seed: the same everywhere for one seed, and unlike for seeds that are near.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Some of these words, at least one, joined by commas.
    pub(crate) fn some(&mut self, from: &[&str]) -> String {
        let mut chosen: Vec<&str> = from.iter().copied().filter(|_| self.chance(2)).collect();
        if chosen.is_empty() {
            chosen.push(self.pick(from));
        }
        chosen.join(",")
    }

    pub(crate) fn not(&mut self) -> &'static str {
        if self.chance(3) { "! " } else { "" }
    }

    pub(crate) fn port(&mut self) -> u64 {
        let end = self.pick(&[&10, &1024, &65536]);
        self.below(*end)
    }

    pub(crate) fn ports(&mut self) -> String {
        let port = self.port();
        match self.below(3) {
            0 => format!("{port}:{}", port + self.below(65536 - port)),
            _ => port.to_string(),
        }
    }

    /// A text of at most so many bytes as people write them, and as nobody should.
    pub(crate) fn odd_text(&mut self, longest: usize) -> String {
        const PIECES: [&str; 22] = [
            "plain",
            " ",
            "two words",
            "it's",
            "\"",
            "\\",
            "\\\\",
            "\\n",
            "-j DROP",
            "--comment",
            "#",
            "$x",
            "`id`",
            ";",
            "{",
            "}",
            ",",
            "!",
            "ünï ☂",
            "漢字",
            "%s",
            "=",
        ];
        let mut text = String::new();
        for _ in 0..1 + self.below(5) {
            let piece = self.pick(&PIECES);
            if text.len() + piece.len() <= longest {
                text.push_str(piece);
            }
        }
        if text.trim().is_empty() {
            "x".to_owned()
        } else {
            text
        }
    }
}

/// How many cases a test tries: `NETGHOST_CASES`, else its own number.
pub(crate) fn cases(default: u64) -> u64 {
    number("NETGHOST_CASES").unwrap_or(default)
}

/// From which seed: `NETGHOST_SEED`, to repeat a failure; else from the clock.
pub(crate) fn first_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    number("NETGHOST_SEED").unwrap_or(since.as_millis() as u64 % 1_000_000_000)
}

fn number(name: &str) -> Option<u64> {
    let given = std::env::var(name).ok()?;
    Some(given.parse().unwrap())
}
