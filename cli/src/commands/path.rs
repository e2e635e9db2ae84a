//! What becomes of a flow between two ends.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use netghost_core::azure::path::{Around, Place};
use netghost_core::azure::tags::service_tags;

use self::end::{Found, Word};
use super::Call;
use super::nsg::port;
use super::source::read_word;
use crate::error::Failure;
use crate::fleet::AccountArgs;
use crate::output::Outcome;
use crate::{span, text};

mod address;
mod answer;
mod choose;
mod end;
mod files;
mod flow;
mod online;
mod save;
mod walk;

pub use answer::Answer;

/// Says what becomes of a flow.
#[derive(Debug, clap::Args)]
pub struct Path {
    /// Where the flow begins, where it goes, and what it is. An end is NAME or RESOURCE_GROUP/NAME of a VM, the resource id of a
    /// VM or a network interface, an address, a name in DNS, `internet` or `storage:ACCOUNT`; a flow is tcp/5001, udp/53,
    /// tcp/8080-8090, icmp, icmp/8, esp or ah. An end that a file is given for is left out
    #[arg(required = true, num_args = 1..=3, value_names = ["SRC", "DST", "FLOW"])]
    words: Vec<String>,
    /// Which layers are asked; all if not given
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LAYERS", default_values_t = [LayerName::Host, LayerName::Azure])]
    layers: Vec<LayerName>,
    /// The port that the flow comes from, or a range of them; if not given, it may be any
    #[arg(long, value_parser = port, value_name = "N")]
    source_port: Option<(u16, u16)>,
    /// By IPv4
    #[arg(short = '4', conflicts_with = "ipv6")]
    ipv4: bool,
    /// By IPv6
    #[arg(short = '6')]
    ipv6: bool,
    /// Which network interface of a VM that has several: its name or resource id; once for each end
    #[arg(long, value_name = "NIC")]
    nic: Vec<String>,
    /// Which address of the source, where it has several
    #[arg(long, value_name = "IP")]
    source_address: Option<std::net::IpAddr>,
    /// Which address of the destination, where it has several
    #[arg(long, value_name = "IP")]
    destination_address: Option<std::net::IpAddr>,
    /// The source from files, without asking Azure: a snapshot of its network interface, or a directory of what Azure or `az`
    /// printed: nic.json, subnet.json, routes.json, rules.json, admin-rules.json, vnet.json
    #[arg(long, value_name = "DIR|SNAPSHOT")]
    azure_source: Option<String>,
    /// The destination from files, likewise
    #[arg(long, value_name = "DIR|SNAPSHOT")]
    azure_destination: Option<String>,
    /// A virtual network from a file, as Azure or `az network vnet show` prints it; once for each. Between two networks only
    /// these say which are peered
    #[arg(long, value_name = "FILE")]
    azure_vnet: Vec<PathBuf>,
    /// A file of service tags, as `az network list-service-tags` prints it or Microsoft offers it for download
    #[arg(long, value_name = "FILE")]
    service_tags: Option<String>,
    /// Keep what was read in this new directory, for `--azure-source`, `--azure-destination` and `--azure-vnet`
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// The longest that the reading may take; what is not read by then is unknown
    #[arg(long, value_name = "SPAN", value_parser = span::parse, default_value = "5m")]
    deadline: Duration,
    /// Which Azure, and who asks.
    #[command(flatten)]
    account: AccountArgs,
}

/// A kind of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum LayerName {
    /// Within the guests: firewall, routes, queues, sockets. This version does not ask these
    Host,
    /// Azure's: security rules, admin rules, routes
    Azure,
}

/// What was found out about the two ends.
#[derive(Debug)]
struct Read {
    ends: [Found; 2],
    around: Around,
    /// The bodies of the virtual networks that were read.
    vnets: Vec<serde_json::Value>,
    notes: Vec<String>,
}

/// Runs it.
pub fn run(args: &Path, call: &Call<'_>) -> Result<Outcome, Failure> {
    let (ends, flow) = words(args)?;
    let flow = flow::parse(flow, args.source_port)?;
    has_effect(args, &ends)?;
    if let Some(place) = &args.save {
        crate::output::must_be_free(place)?;
    }
    let is_azure = args.layers.contains(&LayerName::Azure);
    let mut read = match ends {
        ends if !is_azure => Read {
            ends: ends.map(|end| Found::unread(end, "Azure was not asked")),
            around: Around::default(),
            vnets: Vec::new(),
            notes: Vec::new(),
        },
        ends if args.azure_source.is_some() || args.azure_destination.is_some() => {
            files::read(args, ends, call.world)?
        }
        ends => online::read(args, ends, call.format)?,
    };
    if let Some(file) = &args.service_tags {
        let tags = service_tags(&read_word(file)?);
        let tags = tags.map_err(|error| Failure::format(error).context(format!("cannot take {file}")))?;
        for end in &mut read.ends {
            end.learn(&tags);
        }
    }
    if let Some(place) = &args.save {
        save::write(place, &read)?;
        if !read.around.appliances.is_empty() {
            let note =
                "the interfaces of next hops are not kept: without Azure it is UNKNOWN whether they forward";
            read.notes.push(note.to_owned());
        }
    }
    let mut answer = Answer::new(&flow, &read.ends, &read.around, is_azure)?;
    if args.layers.contains(&LayerName::Host) {
        for (place, end) in [Place::Destination, Place::Source]
            .into_iter()
            .zip(read.ends.iter().rev())
        {
            answer.without_guest(place, guest(end));
        }
    }
    answer.notes.append(&mut read.notes);
    Ok(Outcome {
        status: answer.status(),
        document: answer.document()?,
        text: text::path::answer(&answer),
    })
}

/// Refuses what would have no effect: whoever says it means something by it.
fn has_effect(args: &Path, [source, destination]: &[Word; 2]) -> Result<(), Failure> {
    let idle = |option: &str, why: &str| {
        let error = anyhow!("`{option}` has no effect: {why}");
        Err(Failure::usage("wrong_use", error).hint("leave it out"))
    };
    if !args.layers.contains(&LayerName::Azure) {
        let said = [
            ("--azure-source", args.azure_source.is_some()),
            ("--azure-destination", args.azure_destination.is_some()),
            ("--azure-vnet", !args.azure_vnet.is_empty()),
            ("--service-tags", args.service_tags.is_some()),
            ("--save", args.save.is_some()),
            ("--nic", !args.nic.is_empty()),
            ("--source-address", args.source_address.is_some()),
            ("--destination-address", args.destination_address.is_some()),
            ("-4", args.ipv4),
            ("-6", args.ipv6),
        ];
        if let Some((option, _)) = said.into_iter().find(|(_, said)| *said) {
            return idle(option, "`--layers` leaves Azure's layers out");
        }
    }
    let from_files = args.azure_source.is_some() || args.azure_destination.is_some();
    if !from_files && !args.azure_vnet.is_empty() {
        return idle("--azure-vnet", "Azure is asked itself which networks are peered");
    }
    for (option, chosen, word) in [
        ("--source-address", args.source_address, source),
        ("--destination-address", args.destination_address, destination),
    ] {
        let Some(address) = chosen else { continue };
        let is_service = matches!(word, Word::Storage(_)) && option == "--source-address";
        if is_service || matches!(word, Word::Address(_) | Word::Internet) {
            return idle(
                option,
                &format!("{word} is no interface that could have several addresses"),
            );
        }
        if (args.ipv4 && address.is_ipv6()) || (args.ipv6 && address.is_ipv4()) {
            return idle(
                if args.ipv4 { "-4" } else { "-6" },
                &format!("{address} is of the other family"),
            );
        }
    }
    Ok(())
}

/// Whether an end has layers of its own, and why they were not asked.
fn guest(end: &Found) -> Result<&'static str, &'static str> {
    if end.is_machine() {
        Err("this version does not ask the layers within the guest; `--layers azure` asks for Azure's alone")
    } else {
        Ok("this end is no virtual machine")
    }
}

/// The two ends and the flow. An end that a file is given for has no word.
fn words(args: &Path) -> Result<([Word; 2], &str), Failure> {
    let files = [&args.azure_source, &args.azure_destination];
    let given = files.iter().filter(|file| file.is_some()).count();
    let mut words = args.words.iter();
    if args.words.len() + given != 3 {
        let wanted: Vec<&str> = ["SRC", "DST"]
            .into_iter()
            .zip(files)
            .filter_map(|(word, file)| file.is_none().then_some(word))
            .chain(["FLOW"])
            .collect();
        let error = anyhow!(
            "{} are given, and {} wanted",
            count(args.words.len()),
            wanted.join(" ")
        );
        return Err(Failure::usage("wrong_use", error).hint("a flow is one word: tcp/5001"));
    }
    let mut end = |file: &Option<String>| match file {
        Some(file) => Ok(Word::File(file.clone())),
        None => words
            .next()
            .map_or_else(|| Ok(Word::Internet), |word| Word::parse(word)),
    };
    let ends = [end(&args.azure_source)?, end(&args.azure_destination)?];
    let flow = words.next().map(String::as_str).unwrap_or_default();
    Ok((ends, flow))
}

fn count(words: usize) -> String {
    match words {
        1 => "one word".to_owned(),
        2 => "two words".to_owned(),
        _ => "three words".to_owned(),
    }
}
