//! Programs inside rules: `--u32` and the classic BPF of `--bytecode`.

use super::Form;
use super::words::{decimal, number64, text};
use crate::netfilter::model::Value;

/// `0x0>>0x16&0x3c@0x4=0x1:0x5,0x7&&…`.
pub(super) const U32: Form = Form::Other {
    words: 1,
    read: |_, words| u32_text(text(words.first()?)?).map(Value::Symbol),
    print: |value| program(value, |word| format!("\"{word}\"")),
};

/// `2,48 0 0 9,22 0 0 0`: the number of instructions, then for each its code, both jumps and its operand.
pub(super) const BYTECODE: Form = Form::Other {
    words: 1,
    read: |_, words| bpf_text(text(words.first()?)?).map(Value::Symbol),
    print: |value| program(value, |word| format!("\"{word}\"")),
};

fn program(value: &Value, quote: fn(&str) -> String) -> Option<Vec<u8>> {
    match value {
        Value::Symbol(word) => Some(quote(word).into_bytes()),
        _ => None,
    }
}

/// The largest number of tests, numbers and values of `-m u32`, less one (`XT_U32_MAXSIZE`).
pub(in crate::netfilter::xt) const U32_MAX: usize = 11;

/// One test of `-m u32`: the numbers with the operator before each, and the ranges of values.
pub(in crate::netfilter::xt) struct U32Test {
    pub(in crate::netfilter::xt) location: Vec<(u8, u32)>,
    pub(in crate::netfilter::xt) values: Vec<(u32, u32)>,
}

/// Operators by number (`enum xt_u32_ops`, `linux/netfilter/xt_u32.h`).
const OPERATORS: [&str; 4] = ["&", "<<", ">>", "@"];

/// The tests as the tool prints them; `None` for an operator without a name.
pub(in crate::netfilter::xt) fn u32_words(tests: &[U32Test]) -> Option<Value> {
    let printed: Option<Vec<String>> = tests.iter().map(u32_test).collect();
    printed.map(|tests| Value::Symbol(tests.join("&&")))
}

fn u32_test(test: &U32Test) -> Option<String> {
    let mut words = String::new();
    for (place, (operator, number)) in test.location.iter().enumerate() {
        if place > 0 {
            words.push_str(OPERATORS.get(usize::from(*operator))?);
        }
        words.push_str(&format!("{number:#x}"));
    }
    let values: Vec<String> = test
        .values
        .iter()
        .map(|(min, max)| {
            if min == max {
                format!("{min:#x}")
            } else {
                format!("{min:#x}:{max:#x}")
            }
        })
        .collect();
    Some(format!("{words}={}", values.join(",")))
}

/// What `--u32` says, in the words that the tool prints.
fn u32_text(program: &str) -> Option<String> {
    let plain: String = program.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let tests: Option<Vec<U32Test>> = plain.split("&&").map(read_test).collect();
    match u32_words(&tests.filter(|tests| tests.len() <= U32_MAX)?)? {
        Value::Symbol(words) => Some(words),
        _ => None,
    }
}

fn read_test(test: &str) -> Option<U32Test> {
    let (location, values) = test.split_once('=')?;
    let values: Option<Vec<(u32, u32)>> = values
        .split(',')
        .map(|range| {
            let (min, max) = range.split_once(':').unwrap_or((range, range));
            Some((number(min)?, number(max)?))
        })
        .collect();
    let test = U32Test {
        location: read_location(location)?,
        values: values?,
    };
    let fits = (1..=U32_MAX).contains(&test.location.len()) && (1..=U32_MAX).contains(&test.values.len());
    fits.then_some(test)
}

fn read_location(mut rest: &str) -> Option<Vec<(u8, u32)>> {
    let mut location = Vec::new();
    loop {
        let mut operator = 0;
        if !location.is_empty() {
            let place = OPERATORS.iter().position(|word| rest.starts_with(word))?;
            rest = rest.strip_prefix(OPERATORS.get(place)?)?;
            operator = u8::try_from(place).ok()?;
        }
        let end = rest.find(['&', '<', '>', '@']).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end)?;
        location.push((operator, number(word)?));
        if after.is_empty() {
            return Some(location);
        }
        rest = after;
    }
}

fn number(word: &str) -> Option<u32> {
    super::words::number(word)
}

/// One instruction (`struct sock_filter`, `linux/filter.h`).
pub(in crate::netfilter::xt) struct Instruction {
    pub(in crate::netfilter::xt) code: u16,
    pub(in crate::netfilter::xt) jumps: [u8; 2],
    pub(in crate::netfilter::xt) operand: u32,
}

/// The largest number of instructions (`XT_BPF_MAX_NUM_INSTR`).
pub(in crate::netfilter::xt) const BPF_MAX: usize = 64;

/// A program as the tool prints it.
pub(in crate::netfilter::xt) fn classic_bpf(program: &[Instruction]) -> Value {
    Value::Symbol(bpf_words(program))
}

fn bpf_words(program: &[Instruction]) -> String {
    let mut words = program.len().to_string();
    for one in program {
        let [if_true, if_false] = one.jumps;
        words.push_str(&format!(",{} {if_true} {if_false} {}", one.code, one.operand));
    }
    words
}

fn bpf_text(words: &str) -> Option<String> {
    let (count, rest) = words.split_once(',')?;
    let program: Option<Vec<Instruction>> = rest.trim_end_matches(',').split(',').map(instruction).collect();
    let program = program?;
    let fits = decimal(count.trim())? == u64::try_from(program.len()).ok()? && program.len() <= BPF_MAX;
    fits.then(|| bpf_words(&program))
}

fn instruction(words: &str) -> Option<Instruction> {
    let numbers: Option<Vec<u64>> = words.split_ascii_whitespace().map(number64).collect();
    let [code, if_true, if_false, operand] = numbers?.try_into().ok()?;
    Some(Instruction {
        code: code.try_into().ok()?,
        jumps: [if_true.try_into().ok()?, if_false.try_into().ok()?],
        operand: operand.try_into().ok()?,
    })
}
