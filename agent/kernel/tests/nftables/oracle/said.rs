//! What a rule says, in one form for both decoders: comparisons byte by byte at their place, so that it does not matter
//! whether a prefix is a short load or a mask, or whether two neighbouring fields were loaded at once.

/// Lines, in the order in which the kernel runs them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Said(pub(super) Vec<String>);

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// [`hex`] back again.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok())
        .collect()
}

/// What looks at names, of which only the bytes up to the first NUL say something.
fn is_name(source: &str) -> bool {
    let names = [
        "meta 6", "meta 7", "meta 17", "meta 18", "meta 26", "meta 27", "meta 34", "ct 6",
    ];
    names.contains(&source)
        || source.starts_with("osf ")
        || source.starts_with("fib 2 ") && !source.ends_with(" there")
}

/// The bytes of a name up to its first NUL.
fn to_its_end(value: &[u8]) -> usize {
    value
        .iter()
        .position(|byte| *byte == 0)
        .map_or(value.len(), |end| end + 1)
}

impl Said {
    pub(super) fn line(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }

    /// The bytes at a place have this value under a mask.
    pub(super) fn equal(&mut self, source: &str, at: usize, mask: &[u8], value: &[u8]) {
        let end = if is_name(source) {
            to_its_end(value)
        } else {
            value.len()
        };
        for (index, (mask, value)) in mask.iter().zip(value).take(end).enumerate() {
            if *mask != 0 {
                self.line(format!("{source}+{} & {mask:02x} = {value:02x}", at + index));
            }
        }
    }

    pub(super) fn unequal(&mut self, source: &str, at: usize, mask: &[u8], value: &[u8]) {
        let end = if is_name(source) {
            to_its_end(value)
        } else {
            value.len()
        };
        let counts = |byte: &u8| *byte != 0;
        let (Some(first), Some(last)) = (mask.iter().position(counts), mask.iter().rposition(counts)) else {
            return self.line(format!("{source} unequal to nothing"));
        };
        let last = last.min(end.saturating_sub(1));
        let (mask, value) = (&mask[first..=last], &value[first..=last]);
        self.line(format!(
            "{source}+{} & {} != {}",
            at + first,
            hex(mask),
            hex(value)
        ));
    }

    pub(super) fn ordered(&mut self, op: &str, source: &str, at: usize, value: &[u8]) {
        if op == "<="
            && let Some(before) = self.0.last()
            && let Some(from) = before.strip_prefix(&format!("{source}+{at} >= "))
        {
            let from = from_hex(from).unwrap();
            self.0.pop();
            return self.within(source, at, &from, value, true);
        }
        self.line(format!("{source}+{at} {op} {}", hex(value)));
    }

    /// From and to, both included; a range that is all values of some leading bits is a comparison of these.
    pub(super) fn within(&mut self, source: &str, at: usize, from: &[u8], to: &[u8], inside: bool) {
        match (leading(from, to), inside) {
            (Some(mask), true) => self.equal(source, at, &mask, from),
            (Some(mask), false) => self.unequal(source, at, &mask, from),
            (None, inside) => {
                let word = if inside { "within" } else { "outside" };
                self.line(format!("{source}+{at} {word} {}-{}", hex(from), hex(to)));
            }
        }
    }

    /// The bytes at a place become `(old & keep) ^ flip`.
    pub(super) fn written(&mut self, source: &str, at: usize, keep: &[u8], flip: &[u8]) {
        for (index, (keep, flip)) in keep.iter().zip(flip).enumerate() {
            if (*keep, *flip) != (0xff, 0) {
                self.line(format!("{source}+{} := & {keep:02x} ^ {flip:02x}", at + index));
            }
        }
    }
}

/// The mask of the bits that all values from here to there share, if they are all that have them.
pub(super) fn leading(from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let differing: Vec<u8> = from.iter().zip(to).map(|(a, b)| a ^ b).collect();
    let mut all = differing
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let shared = all.position(|bit| bit == 1).unwrap_or(from.len() * 8);
    let whole = (shared..from.len() * 8).all(|bit| {
        let (byte, bit) = (bit / 8, 7 - bit % 8);
        from[byte] >> bit & 1 == 0 && to[byte] >> bit & 1 == 1
    });
    let mask = (0..from.len()).map(|byte| {
        let here = shared.saturating_sub(byte * 8).min(8);
        u8::try_from(0xff00_u32 >> here & 0xff).unwrap()
    });
    whole.then(|| mask.collect())
}
