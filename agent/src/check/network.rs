//! From the controller's name to the certificate.

use std::sync::Arc;

use netghost_client::{Address, Dial, Files, Identity, Trust};
use netghost_proto::v1::MissingRequest;
use netghost_proto::v1::link_client::LinkClient;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::transport::Channel;

use super::Line;
use super::clock::http_date;
use crate::advice;
use crate::capture::chain;
use crate::config::Config;
use crate::files::{self, ENROLMENT, Enrolment};
use crate::link::{loss_of, not_dialled_of};
use crate::outside::now_us;
use crate::status;

/// How long an answer may take.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(10);
/// How far clocks may differ, in microseconds: certificates bear an hour, people comparing times do not.
const APART: u64 = 60_000_000;
/// The steps behind the name.
const STEPS: [&str; 4] = ["tcp", "tls", "identity", "clock"];

/// Walks.
pub(super) async fn walk(config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    let identity = match enrolled(config) {
        Ok((identity, line)) => {
            lines.push(line);
            identity
        }
        Err(line) => {
            lines.push(line);
            None
        }
    };
    let Some(address) = address(config) else {
        lines.push(Line::failed(
            "controller",
            "no controller is configured, and none was enrolled with",
            Some(
                "set `controller = \"HOST:PORT\"` in /etc/netghost/agent.toml, or run netghost-agent enroll"
                    .to_owned(),
            ),
        ));
        lines.extend(skip(&["name"], "no controller is known"));
        lines.extend(skip(&STEPS, "no controller is known"));
        return lines;
    };
    let name = name(config, &address).await;
    let found = name.result != super::Mark::Failed;
    lines.push(name);
    if found {
        lines.extend(connect(config, address, identity).await);
    } else {
        lines.extend(skip(&STEPS, "the name has no address"));
    }
    lines
}

fn skip(steps: &[&str], why: &str) -> Vec<Line> {
    steps.iter().map(|step| Line::skipped(step, why)).collect()
}

/// The address that `run` dials.
pub(crate) fn address(config: &Config) -> Option<Address> {
    let enrolled = || {
        let enrolment: Enrolment = files::read(&config.state_directory, ENROLMENT).ok()??;
        Address::parse(&enrolment.controller).ok()
    };
    config.controller.clone().or_else(enrolled)
}

/// The certificate by itself: there, ours to read, in its period.
fn enrolled(config: &Config) -> Result<(Option<Arc<Identity>>, Line), Line> {
    let step = "certificate";
    let files = Files::new(&config.state_directory);
    let identity = match files.load() {
        Ok(Some(identity)) => Arc::new(identity),
        Ok(None) => {
            return Err(Line::failed(
                step,
                format!("not enrolled: {} is not there", files.path().display()),
                Some("netghost-agent enroll --controller HOST:PORT --token-file FILE".to_owned()),
            ));
        }
        Err(error) => {
            return Err(Line::failed(
                step,
                chain(&error),
                Some(
                    "run the check as root; if the file is damaged: netghost-agent enroll --replace"
                        .to_owned(),
                ),
            ));
        }
    };
    let now = now_us();
    let until = status::time(identity.not_after_us);
    let line = if now < identity.not_before_us {
        let fix = "set this VM's clock: timedatectl set-ntp true, or chronyc makestep".to_owned();
        let from = status::time(identity.not_before_us);
        Line::failed(
            step,
            format!("not valid before {from}, and it is {}", status::time(now)),
            Some(fix),
        )
    } else if now > identity.not_after_us {
        let fix = "start the agent: it gets a new one by the old key within 30 days (systemctl restart netghost-agent)";
        Line::failed(step, format!("ran out on {until}"), Some(fix.to_owned()))
    } else {
        Line::ok(step, format!("{} until {until}", identity.spiffe))
    };
    Ok((Some(identity), line))
}

async fn name(config: &Config, address: &Address) -> Line {
    let (step, host, port) = match &config.proxy {
        Some(proxy) => ("name", proxy.address.host.clone(), proxy.address.port),
        None => ("name", address.host.clone(), address.port),
    };
    if host.parse::<std::net::IpAddr>().is_ok() {
        return Line::ok(step, format!("{host} is an address"));
    }
    let found = match timeout(ANSWER, tokio::net::lookup_host((host.as_str(), port))).await {
        Err(_) => Err("no answer".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(found)) => Ok(found
            .map(|found| found.ip().to_string())
            .collect::<Vec<_>>()
            .join(", ")),
    };
    let whose = if config.proxy.is_some() {
        " (the proxy; the controller's name is found by the proxy)"
    } else {
        ""
    };
    match found {
        Ok(found) if !found.is_empty() => Line::ok(step, format!("{host}{whose} is {found}")),
        Ok(_) => unknown_name(step, &host, "it has no address"),
        Err(why) => unknown_name(step, &host, &why),
    }
}

fn unknown_name(step: &str, host: &str, why: &str) -> Line {
    let fix = format!("check the name in /etc/netghost/agent.toml and the resolver: getent hosts {host}");
    Line::failed(step, format!("{host}: {why}"), Some(fix))
}

async fn connect(config: &Config, address: Address, identity: Option<Arc<Identity>>) -> Vec<Line> {
    let trust = identity
        .as_ref()
        .map_or(Trust::Authority(Vec::new()), |identity| {
            Trust::Authority(identity.authority.clone())
        });
    let dial = Dial {
        identity: identity.clone(),
        proxy: config.proxy.clone(),
        ..Dial::new(address, trust)
    };
    let stream = match dial.tcp().await {
        Ok(stream) => stream,
        Err(error) => {
            let mut lines = vec![Line::failed("tcp", chain(&error), advice::of(&error))];
            lines.extend(skip(&["tls", "identity", "clock"], "there is no TCP connection"));
            return lines;
        }
    };
    let mut lines = vec![reached(config, &stream)];
    // The same way once more: a stream that was only tried is not kept.
    drop(stream);
    if identity.is_none() {
        let why = "without an identity nobody knows which controller to trust";
        lines.extend(skip(&["tls", "identity", "clock"], why));
        return lines;
    }
    match dial.tls().await {
        Ok(tls) => {
            lines.push(Line::ok(
                "tls",
                format!(
                    "TLS 1.3, and the certificate is for {} by the trusted authority",
                    dial.address.host
                ),
            ));
            match dial.http(tls).await {
                Ok(channel) => lines.extend(call(channel).await),
                Err(error) => {
                    let loss = not_dialled_of(&error);
                    lines.push(Line::failed("identity", loss.why, loss.hint));
                    lines.extend(skip(&["clock"], "the controller did not answer"));
                }
            }
        }
        Err(error) => {
            lines.push(Line::failed("tls", chain(&error), advice::of(&error)));
            lines.extend(skip(&["identity", "clock"], "there is no TLS connection"));
        }
    }
    lines
}

fn reached(config: &Config, stream: &TcpStream) -> Line {
    let peer = stream
        .peer_addr()
        .map_or_else(|_| "the other end".to_owned(), |peer| peer.to_string());
    match &config.proxy {
        Some(_) => Line::ok("tcp", format!("through the proxy {peer}")),
        None => Line::ok("tcp", format!("connected to {peer}")),
    }
}

/// Asks for nothing, which only an identity that is not revoked may.
async fn call(channel: Channel) -> Vec<Line> {
    let mut client = LinkClient::new(channel);
    let answer = match timeout(ANSWER, client.missing(MissingRequest::default())).await {
        Ok(answer) => answer,
        Err(_) => Err(tonic::Status::deadline_exceeded("the controller did not answer")),
    };
    let now = now_us();
    match answer {
        Ok(reply) => vec![
            Line::ok("identity", "the controller knows it and has not revoked it"),
            clock(
                reply.metadata().get("date").and_then(|date| date.to_str().ok()),
                now,
            ),
        ],
        Err(status) => {
            let loss = loss_of("the controller refuses this identity", &status);
            let date = status.metadata().get("date").and_then(|date| date.to_str().ok());
            vec![
                Line::failed("identity", loss.why.clone(), loss.hint),
                clock(date, now),
            ]
        }
    }
}

/// The date of an answer over the proven connection: whole seconds.
fn clock(date: Option<&str>, now_us: u64) -> Line {
    let Some(theirs) = date.and_then(http_date) else {
        return Line::skipped("clock", "the controller's answer had no date");
    };
    // The date is cut to the second: half a second is as likely too much as too little.
    let theirs = theirs.saturating_add(500_000);
    let apart = i64::try_from(i128::from(now_us) - i128::from(theirs)).unwrap_or(i64::MAX);
    let detail = format!(
        "{}, by the date of its answer, to a second",
        status::offset(apart)
    );
    if apart.unsigned_abs() <= APART {
        Line::ok("clock", detail)
    } else {
        let fix = "set the one that is wrong: timedatectl set-ntp true, or chronyc makestep".to_owned();
        Line::failed("clock", detail, Some(fix))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mark;
    use super::*;

    #[test]
    fn an_hour_off_is_seen() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let then = 784_111_777_000_000;
        assert_eq!(clock(date, then).result, Mark::Ok);
        let line = clock(date, then + 3_600_000_000);
        assert_eq!(line.result, Mark::Failed);
        assert!(line.detail.contains("3599.5 s ahead"), "{}", line.detail);
        assert_eq!(clock(date, then - 3_600_000_000).result, Mark::Failed);
        assert_eq!(clock(None, then).result, Mark::Skipped);
        assert_eq!(clock(Some("yesterday"), then).result, Mark::Skipped);
    }
}
