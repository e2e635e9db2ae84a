//! Runs many cases, each from a seed of its own, and says which failed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::chance::Chance;
use crate::watch::Watch;

thread_local! {
    /// Where a case panicked, and what it said.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static IN_CASE: RefCell<bool> = const { RefCell::new(false) };
}

/// So many cases where `NETGHOST_CASES` does not say; the first has the seed `NETGHOST_SEED`, each further one the next number.
/// `run` says whether what it made was taken.
pub(crate) fn run(what: &'static str, default: u64, mut run: impl FnMut(&mut Chance) -> bool) {
    hook();
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let cases = number("NETGHOST_CASES").unwrap_or(default);
    let first = number("NETGHOST_SEED").unwrap_or_else(seed);
    let mut watch = Watch::new(what);
    let mut failed: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut taken = 0u64;
    for case in 0..cases {
        let seed = first.wrapping_add(case);
        watch.begin(seed);
        IN_CASE.set(true);
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| run(&mut Chance::new(seed))));
        IN_CASE.set(false);
        watch.end();
        match outcome {
            Ok(is_taken) => taken += u64::from(is_taken),
            Err(_) => {
                let said = PANIC.take().unwrap_or_default();
                failed.entry(said).or_insert((seed, 0)).1 += 1;
            }
        }
    }
    let (slowest, of) = watch.slowest();
    println!(
        "{what}: {cases} cases from NETGHOST_SEED={first}, {taken} decoded, the others refused; the slowest took {} ms ({of})",
        slowest.as_millis()
    );
    let list: Vec<String> = failed
        .iter()
        .map(|(said, (seed, times))| format!("NETGHOST_SEED={seed} NETGHOST_CASES=1 ({times} times): {said}"))
        .collect();
    assert!(list.is_empty(), "{what}:\n{}", list.join("\n"));
    assert!(
        cases < 100 || taken * 20 > cases,
        "{what}: nearly all were refused"
    );
}

fn seed() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap() % 1_000_000_000
}

/// A panic within a case is kept, without its numbers, so that equal ones are told once.
fn hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IN_CASE.with_borrow(|in_case| *in_case) {
                return before(info);
            }
            let said = info.payload_as_str().unwrap_or_default();
            let said: String = said.chars().take(400).collect();
            let at = info.location().map(ToString::to_string).unwrap_or_default();
            PANIC.set(Some(format!("{at}: {}", without_numbers(&said))));
        }));
    });
}

fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('#') {
            out.push('#');
        }
    }
    out
}
