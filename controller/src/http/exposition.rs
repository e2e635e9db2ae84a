//! Prometheus' text format (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).

use std::fmt::Write;

/// The content type of the format.
pub(super) const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct Page(String);

/// What a number does over time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

impl Page {
    /// A metric with one value.
    pub(super) fn one(&mut self, name: &str, kind: Kind, help: &str, value: u64) {
        self.many(name, kind, help, [(vec![], value)]);
    }

    /// A metric with a value for each set of labels.
    pub(super) fn many<'a>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        values: impl IntoIterator<Item = (Vec<(&'a str, &'a str)>, u64)>,
    ) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
        for (labels, value) in values {
            let labels: Vec<String> = labels
                .into_iter()
                .map(|(key, value)| format!("{key}=\"{}\"", escaped(value)))
                .collect();
            match labels.is_empty() {
                true => self.line(format_args!("{name} {value}")),
                false => self.line(format_args!("{name}{{{}}} {value}", labels.join(","))),
            }
        }
    }

    pub(super) fn text(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String has no failure.
        let _ok = writeln!(self.0, "{line}");
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut page = Page::default();
        page.many(
            "a",
            Kind::Gauge,
            "What.",
            [(vec![("k", "x\"\\\n"), ("l", "")], 1)],
        );
        page.one("b", Kind::Counter, "Which.", 2);
        assert_eq!(
            page.text(),
            "# HELP a What.\n# TYPE a gauge\na{k=\"x\\\"\\\\\\n\",l=\"\"} 1\n\
             # HELP b Which.\n# TYPE b counter\nb 2\n"
        );
    }
}
