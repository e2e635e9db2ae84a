//! There and back: lines are loaded by the ordinary tool, read, printed, loaded into a fresh namespace, and read again.

use std::collections::BTreeMap;
use std::time::Instant;

use netghost_lab::netns::Namespace;

use crate::dice;

/// A tool that loads lines, and the reader and printer of what it loads.
pub(crate) trait Plane {
    /// What is read.
    type Read;

    /// The lines in a namespace of their own, or what the tool says against them.
    fn load(&self, lines: &[String]) -> Result<Namespace, String>;

    /// The lines, from 0, that a complaint names and that can be left out.
    fn blamed(&self, complaint: &str, lines: &[String]) -> Vec<usize>;

    /// True for a line that can be left out without another.
    fn is_case(&self, line: &str) -> bool;

    /// What is loaded; an error says why it is not whole.
    fn read(&self, namespace: &Namespace) -> Result<Self::Read, String>;

    /// The lines that load the same.
    fn print(&self, read: &Self::Read) -> Vec<String>;

    /// What is wrong with a first reading: something opaque, something missing.
    fn judge(&self, lines: &[String], read: &Self::Read, namespace: &Namespace) -> Vec<Wrong>;

    /// Where two readings differ; empty where their digests are equal.
    fn differences(&self, lines: &[String], one: &Self::Read, two: &Self::Read) -> Vec<Wrong>;

    /// What the tool itself says of what is loaded, as lines that it takes.
    fn own_words(&self, namespace: &Namespace) -> Vec<String>;

    /// The same in a form in which equal things are equal: sorted where the tool has no order, without what counts or was chosen.
    /// What a reader overlooks is in neither of its readings, and the tool sees it. Empty where equal rules have many spellings:
    /// those are held by what the save tool's text is read as.
    fn listing(&self, _namespace: &Namespace) -> Vec<String> {
        Vec::new()
    }
}

/// What is wrong, and with which line if that is known.
#[derive(Debug, Clone)]
pub(crate) struct Wrong {
    pub(crate) line: Option<usize>,
    pub(crate) why: String,
}

/// What came of all cases of a test.
#[derive(Default)]
pub(crate) struct Tally {
    loaded: u64,
    refused: u64,
    /// Lines that the tool does not load as the same from what it saves itself.
    of_the_tool: Vec<String>,
    /// Why lines were refused, how often, and one of them.
    complaints: BTreeMap<String, (u64, String)>,
    wrong: Vec<String>,
}

/// Tries batches from one seed after another until there are `cases`, and fails for anything that came back otherwise.
pub(crate) fn run<P: Plane>(what: &str, plane: &P, default: u64, mut batch: impl FnMut(u64) -> Vec<String>) {
    let (cases, first, since) = (dice::cases(default), dice::first_seed(), Instant::now());
    let mut tally = Tally::default();
    let mut seed = first;
    while tally.loaded + tally.refused < cases && tally.wrong.len() < 40 {
        tally.batch(plane, batch(seed), seed);
        seed += 1;
    }
    tally.say(what, first, since);
}

/// Those of the lines that the tool takes, loaded.
pub(crate) fn accepted<P: Plane>(plane: &P, lines: Vec<String>) -> (Namespace, Vec<String>) {
    Tally::default().accepted(plane, lines)
}

impl Tally {
    fn batch<P: Plane>(&mut self, plane: &P, lines: Vec<String>, seed: u64) {
        let all = count(plane, &lines);
        let (namespace, lines) = self.accepted(plane, lines);
        let left = count(plane, &lines);
        self.loaded += left;
        self.refused += all - left;
        let wrong = there_and_back(plane, &namespace, &lines);
        let header = |one: usize| -> Vec<String> {
            let kept = lines.iter().enumerate();
            kept.filter(|(at, line)| *at == one || !plane.is_case(line))
                .map(|(_, line)| line.clone())
                .collect()
        };
        for Wrong { line, why } in wrong {
            // What a line alone does wrong is shown alone; else as few lines as do it.
            let alone = line.map(header).filter(|alone| fails(plane, alone));
            let smallest = alone.unwrap_or_else(|| smallest(plane, lines.clone()));
            let said: Vec<&String> = smallest.iter().filter(|line| plane.is_case(line)).collect();
            if is_of_the_tool(plane, &smallest) {
                self.of_the_tool.push(format!("{said:?}"));
                continue;
            }
            self.wrong
                .push(format!("NETGHOST_SEED={seed}: {why}\n    {said:?}"));
            if line.is_none() || self.wrong.len() >= 40 {
                break;
            }
        }
    }

    /// Those of the lines that the tool takes, loaded.
    fn accepted<P: Plane>(&mut self, plane: &P, mut lines: Vec<String>) -> (Namespace, Vec<String>) {
        loop {
            let complaint = match plane.load(&lines) {
                Ok(namespace) => return (namespace, lines),
                Err(complaint) => complaint,
            };
            let mut blamed = plane.blamed(&complaint, &lines);
            if blamed.is_empty() {
                blamed = vec![culprit(plane, &lines)];
            }
            blamed.sort_unstable();
            blamed.dedup();
            for at in blamed.into_iter().rev() {
                let line = lines.remove(at);
                let why = without_numbers(&complaint);
                self.complaints.entry(why).or_insert((0, line)).0 += 1;
            }
        }
    }

    fn say(self, what: &str, first: u64, since: Instant) {
        let cases = self.loaded + self.refused;
        for (why, (times, line)) in &self.complaints {
            println!("{what}: refused {times} times: {why}: {line}");
        }
        for line in &self.of_the_tool {
            println!("{what}: the tool does not load its own words as the same: {line}");
        }
        println!(
            "{what}: {cases} cases from NETGHOST_SEED={first} in {} s: {} there and back, {} refused, {} left out since the tool's own words change",
            since.elapsed().as_secs(),
            self.loaded,
            self.refused,
            self.of_the_tool.len(),
        );
        assert!(
            self.wrong.is_empty(),
            "{what}: {}\n{}",
            self.wrong.len(),
            self.wrong.join("\n")
        );
        assert!(
            self.refused * 12 < cases,
            "{what}: {} of {cases} were refused: the generator makes what the tool does not take",
            self.refused
        );
        assert!(
            (self.of_the_tool.len() as u64) * 50 < cases + 100,
            "{what}: too much is left out"
        );
    }
}

fn count<P: Plane>(plane: &P, lines: &[String]) -> u64 {
    lines.iter().filter(|line| plane.is_case(line)).count() as u64
}

fn there_and_back<P: Plane>(plane: &P, namespace: &Namespace, lines: &[String]) -> Vec<Wrong> {
    let whole = |why| vec![Wrong { line: None, why }];
    let first = match plane.read(namespace) {
        Ok(first) => first,
        Err(why) => return whole(why),
    };
    let wrong = plane.judge(lines, &first, namespace);
    if !wrong.is_empty() {
        return wrong;
    }
    let printed = plane.print(&first);
    let again = match plane.load(&printed) {
        Ok(second) => match plane.read(&second) {
            Ok(again) => Ok((again, second)),
            Err(why) => Err(why),
        },
        Err(complaint) => {
            let of = plane.blamed(&complaint, &printed);
            let said = of.first().map(|at| printed[*at].clone());
            // Printed and given lines stand in the same order wherever both are cases of one place.
            return whole(format!("what is printed is refused: {said:?}: {complaint}"));
        }
    };
    match again {
        Ok((again, second)) => {
            let wrong = plane.differences(lines, &first, &again);
            if wrong.is_empty() {
                listed_otherwise(plane, namespace, &second)
            } else {
                wrong
            }
        }
        Err(why) => whole(why),
    }
}

/// The tool lists both alike.
fn listed_otherwise<P: Plane>(plane: &P, one: &Namespace, two: &Namespace) -> Vec<Wrong> {
    let (one, two) = (plane.listing(one), plane.listing(two));
    if one == two {
        return Vec::new();
    }
    let lost: Vec<&String> = one.iter().filter(|line| !two.contains(line)).take(3).collect();
    let come: Vec<&String> = two.iter().filter(|line| !one.contains(line)).take(3).collect();
    let why = format!("read as equal, and the tool lists another: {lost:?} became {come:?}");
    vec![Wrong { line: None, why }]
}

/// True if the tool does not load its own words as the same either, and what it makes of them is what it makes of ours.
fn is_of_the_tool<P: Plane>(plane: &P, lines: &[String]) -> bool {
    let Ok(namespace) = plane.load(lines) else {
        return false;
    };
    let Ok(first) = plane.read(&namespace) else {
        return false;
    };
    if !plane.judge(lines, &first, &namespace).is_empty() {
        return false;
    }
    let again = |words: &[String]| plane.load(words).ok().and_then(|loaded| plane.read(&loaded).ok());
    match (again(&plane.print(&first)), again(&plane.own_words(&namespace))) {
        (None, None) => true,
        (Some(ours), Some(theirs)) => {
            !plane.differences(lines, &first, &theirs).is_empty()
                && plane.differences(lines, &ours, &theirs).is_empty()
        }
        _ => false,
    }
}

fn fails<P: Plane>(plane: &P, lines: &[String]) -> bool {
    match plane.load(lines) {
        Ok(namespace) => !there_and_back(plane, &namespace, lines).is_empty(),
        Err(_) => false,
    }
}

/// As few of the lines as still come back otherwise.
fn smallest<P: Plane>(plane: &P, mut lines: Vec<String>) -> Vec<String> {
    let mut step = lines.len().div_ceil(2);
    while step > 0 {
        let mut at = 0;
        while at < lines.len() {
            let mut fewer = lines.clone();
            fewer.drain(at..(at + step).min(lines.len()));
            if fails(plane, &fewer) {
                lines = fewer;
            } else {
                at += step;
            }
        }
        step /= 2;
    }
    lines
}

/// One line that can't be loaded, found by halves; the tool does not say which it is.
fn culprit<P: Plane>(plane: &P, lines: &[String]) -> usize {
    let cases: Vec<usize> = (0..lines.len()).filter(|at| plane.is_case(&lines[*at])).collect();
    let loads = |wanted: &[usize]| {
        let kept = lines.iter().enumerate();
        let kept = kept.filter(|(at, line)| wanted.contains(at) || !plane.is_case(line));
        plane
            .load(&kept.map(|(_, line)| line.clone()).collect::<Vec<_>>())
            .is_ok()
    };
    assert!(loads(&[]), "nothing loads: {lines:?}");
    let (mut good, mut bad) = (0, cases.len());
    // The first `good` load and the first `bad` do not.
    while bad - good > 1 {
        let middle = usize::midpoint(good, bad);
        if loads(&cases[..middle]) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    cases[bad - 1]
}

/// What a complaint is about, apart from lines, columns and values.
fn without_numbers(complaint: &str) -> String {
    let mut lines = complaint.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    let mut out = String::new();
    for c in first.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('#') {
            out.push('#');
        }
    }
    out
}
