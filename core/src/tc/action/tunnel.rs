//! `tunnel_key`, and the options of tunnels, which `flower` matches too.

use super::kinds::{GENERAL, times};
use crate::raw::attr::attrs;
use crate::raw::lift::whole;
use crate::tc::options::{Stop, unknown};
use crate::tc::schema::{Attribute, Out, Read, Show, attr, field, own, pad, parms};
use crate::tc::setting::{Setting, Value, find};

/// `TCA_TUNNEL_KEY_*`; 14 came with Linux 6.3.
pub(super) const TUNNEL_KEY: &[Attribute] = &[
    times(1),
    parms(
        2,
        &[
            field("", Read::Struct(GENERAL), Show::Ignore),
            field("what", Read::I32, Show::Keywords(&[(1, "set"), (2, "unset")])),
        ],
    ),
    attr(3, "src_ip", Read::Rest, Show::Ip4),
    attr(4, "dst_ip", Read::Rest, Show::Ip4),
    attr(5, "src_ip", Read::Rest, Show::Ip6),
    attr(6, "dst_ip", Read::Rest, Show::Ip6),
    attr(7, "id", Read::Be32, Show::Number),
    attr(9, "dst_port", Read::Be16, Show::Number),
    own(11, set_options),
    attr(10, "", Read::U8, Show::Keywords(&[(0, "csum"), (1, "nocsum")])),
    attr(14, "nofrag", Read::Rest, Show::Flag),
    attr(12, "tos", Read::U8, Show::Bits),
    attr(13, "ttl", Read::U8, Show::Number),
    pad(8),
];

fn set_options(payload: &[u8], out: &mut Out<'_>) -> Result<(), Stop> {
    for (name, text) in options(payload, out)? {
        out.set(name, Value::Word(text));
    }
    Ok(())
}

/// `TCA_TUNNEL_KEY_ENC_OPTS_*` and `TCA_FLOWER_KEY_ENC_OPTS_*`, which have the same numbers: the word of `tc`, and the values
/// as it writes them.
pub(in crate::tc) fn options(payload: &[u8], out: &Out<'_>) -> Result<Vec<(&'static str, String)>, Stop> {
    const ERSPAN: &[Attribute] = &[
        attr(1, "", Read::U8, Show::Number),
        attr(2, "", Read::Be32, Show::Number),
        attr(3, "", Read::U8, Show::Number),
        attr(4, "", Read::U8, Show::Number),
    ];
    const VXLAN: &[Attribute] = &[attr(1, "", Read::U32, Show::Number)];
    const GTP: &[Attribute] = &[
        attr(1, "", Read::U8, Show::Number),
        attr(2, "", Read::U8, Show::Number),
    ];
    let mut rows = Vec::new();
    for attr in whole(attrs(payload))? {
        rows.push(match attr.kind {
            1 => ("geneve_opts", geneve(attr.value, out)?),
            2 => ("vxlan_opts", joined(&out.group(VXLAN, attr.value)?.0)),
            3 => {
                let mut text = joined(&out.group(ERSPAN, attr.value)?.0);
                // The kernel tells the first version without direction and hardware id, `tc` takes all four.
                if text.matches(':').count() == 1 {
                    text.push_str(":0:0");
                }
                ("erspan_opts", text)
            }
            4 => ("gtp_opts", hexadecimal(&out.group(GTP, attr.value)?.0)),
            number => return Err(unknown(number)),
        });
    }
    Ok(rows)
}

fn joined(settings: &[Setting]) -> String {
    let words: Vec<_> = settings.iter().map(|one| one.value.to_string()).collect();
    words.join(":")
}

fn hexadecimal(settings: &[Setting]) -> String {
    let digits = |setting: &Setting| match &setting.value {
        Value::Number(number) => format!("{:02x}", number.0),
        other => other.to_string(),
    };
    let words: Vec<_> = settings.iter().map(digits).collect();
    words.join(":")
}

/// Class, type and data of each option, one option after the other.
fn geneve(payload: &[u8], out: &Out<'_>) -> Result<String, Stop> {
    const OPTION: &[Attribute] = &[
        attr(1, "class", Read::Be16, Show::Number),
        attr(2, "type", Read::U8, Show::Number),
        attr(3, "data", Read::Rest, Show::Raw),
    ];
    let (settings, _) = out.group(OPTION, payload)?;
    let all = |name: &str| {
        let own: Vec<_> = settings.iter().filter(|one| one.name == name).collect();
        own.into_iter().map(|one| &one.value)
    };
    let digits = |value: &Value, width: usize| match value {
        Value::Number(number) => format!("{:0width$x}", number.0),
        other => other.to_string(),
    };
    let options = all("class").zip(all("type")).zip(all("data"));
    let words: Vec<_> = options
        .map(|((class, kind), data)| format!("{}:{}:{data}", digits(class, 4), digits(kind, 2)))
        .collect();
    if find(&settings, "class").is_some() && all("class").len() != all("data").len() {
        return Err(Stop::Unknown("geneve options without data".to_owned()));
    }
    Ok(words.join(","))
}
