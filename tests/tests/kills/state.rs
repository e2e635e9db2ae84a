//! What must hold of a store at any time, looked at from outside: with Python's sqlite3 and hashlib, which are not ours.

use std::process::Command;

use netghost_lab::Fleet;

/// Prints nothing where all holds. Paths of objects are their digests; whatever else lies there has a name that nobody reads.
const WHOLE: &str = r"
import hashlib, pathlib, re, sqlite3, sys
root = pathlib.Path(sys.argv[1])
d = sqlite3.connect(root / 'netghost.db')
def want(what, found, wanted):
    if found != wanted:
        print(f'{what}: {found}')
want('integrity', d.execute('PRAGMA integrity_check').fetchall(), [('ok',)])
want('foreign keys', d.execute('PRAGMA foreign_key_check').fetchall(), [])
records = d.execute('SELECT sequence, record FROM audit_records ORDER BY sequence').fetchall()
want('sequence', [n for n, _ in records], list(range(1, len(records) + 1)))
previous = hashlib.sha256(b'').hexdigest()
for number, record in records:
    if previous.encode() not in record:
        print(f'record {number} does not hold the hash of the one before')
    previous = hashlib.sha256(record).hexdigest()
want('tail', d.execute('SELECT sequence, hash FROM audit_tail').fetchall(), [(len(records), previous)])
held = set()
for path in sorted((root / 'objects').rglob('*')):
    digest = ''.join(path.relative_to(root / 'objects').parts).removeprefix('sha256')
    if path.is_file() and re.fullmatch('[0-9a-f]{64}', digest):
        held.add(digest)
        want(str(path), hashlib.sha256(path.read_bytes()).hexdigest(), digest)
for table, column in [('baselines', 'seal'), ('baseline_members', 'manifest'), ('manifests', 'digest'), ('jobs', 'certificate'),
                      ('jobs', 'document'), ('job_targets', 'manifest'), ('job_targets', 'document')]:
    for (digest,) in d.execute(f'SELECT {column} FROM {table}'):
        if digest and digest not in held:
            print(f'{table}.{column} names {digest}, which is not stored')
";

/// How often something stands in the store: `ONCE` is a query that counts.
const COUNT: &str = r"
import pathlib, sqlite3, sys
d = sqlite3.connect(pathlib.Path(sys.argv[1]) / 'netghost.db')
print(d.execute(sys.argv[2], sys.argv[3:]).fetchone()[0])
";

fn python(fleet: &Fleet, script: &str, words: &[&str]) -> String {
    let output = Command::new("python3")
        .args(["-c", script])
        .arg(fleet.controller_directory().unwrap())
        .args(words)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Rows, chain and objects agree with each other.
pub(crate) fn is_whole(fleet: &Fleet) {
    assert_eq!(python(fleet, WHOLE, &[]), "");
}

/// The agent of that name is in the store once, with one certificate's identity, and its token was used once.
pub(crate) fn enrolled_once(fleet: &Fleet, name: &str) {
    let count = |query: &str| python(fleet, COUNT, &[query, name]).trim().to_owned();
    assert_eq!(
        count("SELECT count(*) FROM identities WHERE kind = 'agent' AND name = ?"),
        "1"
    );
    assert_eq!(
        count(
            "SELECT sum(used) FROM tokens WHERE id IN (SELECT token FROM token_uses JOIN identities \
             ON identities.id = token_uses.identity WHERE name = ?)"
        ),
        "1"
    );
    assert_eq!(
        count(
            "SELECT count(DISTINCT spki) FROM certificates JOIN identities ON identities.id = certificates.identity WHERE name = ?"
        ),
        "1"
    );
}

/// The job of that name, as baseline or ticket, is there once and has ended; nothing of the kind for an enrolment.
pub(crate) fn job_once(fleet: &Fleet, name: &str, is_job: bool) {
    let count = |query: &str| python(fleet, COUNT, &[query, name, name]).trim().to_owned();
    let wanted = if is_job { "1" } else { "0" };
    assert_eq!(
        count("SELECT count(*) FROM jobs WHERE baseline = ? OR ticket = ?"),
        wanted,
        "{name}"
    );
    assert_eq!(
        count("SELECT count(*) FROM jobs WHERE (baseline = ? OR ticket = ?) AND state = 'ended'"),
        wanted,
        "{name}"
    );
}
