//! The words of a rule as `iptables-save` prints it: blanks part them, double quotes hold together, and in quotes a backslash takes
//! the next byte as it is.

/// Each word without its quotes.
pub(super) fn words(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let (mut quoted, mut escaped) = (false, false);
    for byte in line {
        match byte {
            _ if escaped => {
                escaped = false;
                word.get_or_insert_default().push(*byte);
            }
            b'\\' if quoted => escaped = true,
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b' ' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(*byte),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    fn shown(line: &str) -> Vec<String> {
        let of = words(line.as_bytes());
        of.into_iter()
            .map(|word| String::from_utf8(word).unwrap())
            .collect()
    }

    #[test]
    fn quotes_and_escapes() {
        assert_eq!(shown("-p tcp  -j DROP"), ["-p", "tcp", "-j", "DROP"]);
        assert_eq!(
            shown(r#"--comment "it\'s \"x\" \\ ; y" -j LOG"#),
            ["--comment", r#"it's "x" \ ; y"#, "-j", "LOG"]
        );
        assert_eq!(shown(r#"--comment "" -j X"#), ["--comment", "", "-j", "X"]);
        assert_eq!(shown(r"z\w $(x) `y`"), [r"z\w", "$(x)", "`y`"]);
        assert_eq!(shown(""), Vec::<String>::new());
    }
}
