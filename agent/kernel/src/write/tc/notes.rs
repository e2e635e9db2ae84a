//! What people are shown.

use netghost_core::bytes::Text;
use netghost_core::gate::{QdiscPlace, QdiscSpec};
use netghost_core::tc::Options;

use super::Steps;
use super::state::{State, is_default};
use super::target::Target;

/// As `tc` takes it.
pub(super) fn change(steps: &Steps) -> Vec<Text> {
    let device = &steps.device;
    let line = match &steps.target {
        Target::Remove(QdiscPlace::Root) => format!("tc qdisc del dev {device} root"),
        Target::Remove(QdiscPlace::Ingress) => format!("tc qdisc del dev {device} parent ffff:fff1"),
        Target::Replace(spec) => format!("tc qdisc replace dev {device} root {}", told(spec)),
    };
    vec![Text::from(line)]
}

fn told(spec: &QdiscSpec) -> String {
    match spec {
        QdiscSpec::PfifoFast | QdiscSpec::FqCodel | QdiscSpec::Fq => spec.kind().to_owned(),
        QdiscSpec::Pfifo { limit } => format!("pfifo limit {limit}"),
        QdiscSpec::Tbf { rate, burst, limit } => format!("tbf rate {rate}bps burst {burst} limit {limit}"),
    }
}

/// One line for each thing that is made again.
pub(super) fn inverse(steps: &Steps, before: &State) -> Vec<Text> {
    let device = &steps.device;
    let part = before.part(steps.target.place());
    let mut lines = Vec::new();
    if !before.has(steps.target.place()) {
        lines.push(format!("tc qdisc del dev {device} root"));
        return lines.into_iter().map(Text::from).collect();
    }
    let made = part.config.qdiscs.iter().filter(|qdisc| !is_default(qdisc));
    lines.extend(made.map(|qdisc| format!("make again: {qdisc}")));
    lines.extend(
        part.config
            .classes
            .iter()
            .map(|class| format!("make again: {class}")),
    );
    lines.extend(
        part.config
            .filters
            .iter()
            .map(|filter| format!("make again: {filter}")),
    );
    lines.into_iter().map(Text::from).collect()
}

/// What is lost although it is undone.
pub(super) fn notes(before: &State, place: QdiscPlace) -> Vec<Text> {
    let mut notes = vec!["packets that wait in the queues, and what qdiscs, classes, filters and actions have counted, are lost".to_owned()];
    let part = before.part(place);
    let jitters = part.config.qdiscs.iter().any(|qdisc| match &qdisc.options {
        Options::Netem(netem) => netem.jitter_ns.0 != 0 || netem.slot.is_some(),
        _ => false,
    });
    if jitters {
        notes.push(
            "if netem has a distribution table it is lost: the kernel does not tell whether there is one"
                .to_owned(),
        );
    }
    notes.into_iter().map(Text::from).collect()
}
