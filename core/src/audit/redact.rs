//! Keeps secrets out of the log.

use crate::fleet::Id;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Words of a name whose value is a secret.
const SECRET_WORDS: [&str; 14] = [
    "apikey",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "credentials",
    "passphrase",
    "passwd",
    "password",
    "pin",
    "sas",
    "secret",
    "secrets",
    "token",
];

/// Two words of a name whose value is a secret.
const SECRET_PAIRS: [[&str; 2]; 5] = [
    ["access", "key"],
    ["account", "key"],
    ["api", "key"],
    ["private", "key"],
    ["signing", "key"],
];

/// How a token's text begins, up to its version number.
const TOKEN: &str = "netghost";

/// The value of an argument as it may be written down: nothing of it where its name is that of a secret, but for an id, which
/// tells which secret it was and not what it is; else as [`text`].
pub fn argument(name: &str, value: &str) -> String {
    if is_secret(name) && Id::parse(value).is_err() {
        return REDACTED.to_owned();
    }
    text(value)
}

/// A text as it may be written down: without tokens of this program, private keys in PEM, passwords in URLs, and what
/// follows `Bearer` or `Basic`.
pub fn text(value: &str) -> String {
    let value = private_keys(value);
    let mut bare = String::with_capacity(value.len());
    let mut hide_next = false;
    for word in value.split_inclusive(char::is_whitespace) {
        let trimmed = word.trim_end();
        let space = word.get(trimmed.len()..).unwrap_or_default();
        if hide_next && !trimmed.is_empty() {
            bare.push_str(REDACTED);
            hide_next = false;
        } else {
            bare.push_str(&url_password(&tokens(trimmed)));
            let scheme = trimmed.rsplit([':', '=']).next().unwrap_or_default();
            let scheme = scheme.trim_matches('"');
            hide_next |= ["bearer", "basic"]
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known));
        }
        bare.push_str(space);
    }
    bare
}

fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.iter().any(|word| SECRET_WORDS.contains(word))
        || words
            .windows(2)
            .any(|pair| SECRET_PAIRS.iter().any(|secret| secret == pair))
}

/// Everything between the lines of a private key, which may stand in one line.
fn private_keys(value: &str) -> String {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "PRIVATE KEY-----";
    let mut bare = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        bare.push_str(before);
        let label_ends = after.find("-----").unwrap_or(after.len());
        if !after
            .get(..label_ends)
            .is_some_and(|label| label.ends_with("PRIVATE KEY"))
        {
            bare.push_str(BEGIN);
            rest = after;
            continue;
        }
        bare.push_str(REDACTED);
        let body = after.get(label_ends..).unwrap_or_default();
        let body = body.strip_prefix("-----").unwrap_or(body);
        // Cut off before its end, it is a secret to the end.
        rest = body.split_once(END).map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    bare
}

/// `netghost1.…`, of whatever version, wherever it stands in a word.
fn tokens(word: &str) -> String {
    let mut bare = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find(TOKEN) {
        let (before, found) = rest.split_at(at);
        bare.push_str(before);
        let tail = found.strip_prefix(TOKEN).unwrap_or_default();
        let digits = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let is_token = digits > 0 && tail.get(digits..).is_some_and(|rest| rest.starts_with('.'));
        if is_token {
            bare.push_str(REDACTED);
            rest = tail.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-');
        } else {
            bare.push_str(TOKEN);
            rest = tail;
        }
    }
    bare.push_str(rest);
    bare
}

/// `scheme://user:password@host` (RFC 3986 §3.2.1).
fn url_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let authority_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_ends);
    match authority
        .rsplit_once('@')
        .and_then(|(user, host)| Some((user.split_once(':')?.0, host)))
    {
        Some((user, host)) => format!("{scheme}://{user}:{REDACTED}@{host}{path}"),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::json::Digest;
    use crate::fleet::{Secret, Token};

    #[test]
    fn a_secret_by_its_name_is_not_written() {
        for name in [
            "password",
            "Client-Secret",
            "token",
            "api_key",
            "X.Private.Key",
            "SAS",
        ] {
            assert_eq!(argument(name, "hunter2"), REDACTED, "{name}");
        }
        for name in ["name", "keyid", "tokens", "key", "secretary", "spin"] {
            assert_eq!(argument(name, "hunter2"), "hunter2", "{name}");
        }
        let id = Id::from_random([3; 16]).to_string();
        assert_eq!(argument("token", &id), id);
    }

    #[test]
    fn a_token_is_not_written_wherever_it_stands() {
        let token = Token {
            id: Id::from_random([1; 16]),
            secret: Secret([2; 32]),
            ca: Digest::of(b"ca"),
            approvers: None,
        }
        .reveal();
        assert_eq!(text(&token), REDACTED);
        assert_eq!(
            text(&format!("joined\tby \"{token}\", late")),
            format!("joined\tby \"{REDACTED}\", late")
        );
        assert_eq!(
            text(&format!("a={token}&b={token}")),
            format!("a={REDACTED}&b={REDACTED}")
        );
        assert_eq!(text(&token.replace("netghost1", "netghost22")), REDACTED);
        for plain in [
            "netghost",
            "netghost-controller 0.1.0",
            "netghost.internal",
            "netghost1",
            "",
            " a  b\n",
        ] {
            assert_eq!(text(plain), plain);
        }
    }

    #[test]
    fn other_secrets_are_not_written() {
        assert_eq!(
            text("postgres://netghost:hunter2@db:5432/netghost?a=b"),
            format!("postgres://netghost:{REDACTED}@db:5432/netghost?a=b")
        );
        assert_eq!(text("https://db/a@b:c"), "https://db/a@b:c");
        assert_eq!(
            text("Authorization: Bearer abc.def x"),
            format!("Authorization: Bearer {REDACTED} x")
        );
        assert_eq!(text("Basic  abc"), format!("Basic  {REDACTED}"));
        let key = "-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----";
        assert_eq!(text(&format!("a {key} b")), format!("a {REDACTED} b"));
        assert_eq!(text(&key[..40]), REDACTED);
        let public = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----";
        assert_eq!(text(public), public);
    }
}
