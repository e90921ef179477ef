//! Targets: each with a server that can be reached, endpoints, and updates that can be found; and the contenders that
//! measure them, with what goes with a server that is not feedlab's.

use std::collections::BTreeMap;
use std::path::Path;

use feedlab_feed::Transport;
use feedlab_feed::text;
use serde::Deserialize;

use super::super::error::{FieldError, FieldErrors};
use super::super::target::{Endpoint, Target};
use super::super::written::{self, At};
use super::super::{PORT, ScenarioError};
use super::is_current;

mod endpoint;
mod own_server;
mod publish;
mod stamp;
mod url;

pub(super) use own_server::measured;

/// The most targets of a scenario.
const MOST_TARGETS: usize = 16;
/// The longest command, bytes.
const MOST_COMMAND_BYTES: usize = 4 << 10;
/// The longest URL, path, header field or name of a parameter, bytes.
const MOST_LINE_BYTES: usize = 2 << 10;

/// Targets as written, by their names.
type Targets = BTreeMap<At<String>, written::Target>;

pub(in super::super) fn target_file(text: &str, file: &Path) -> Result<Target, ScenarioError> {
    only_target(text).map_err(|error| FieldErrors::from(error).locate(text, file))
}

fn only_target(text: &str) -> Result<Target, FieldError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct TargetFile {
        #[expect(dead_code, reason = "checked before the rest is read")]
        schema: Option<u32>,
        #[serde(default)]
        target: Targets,
    }
    is_current(text)?;
    let TargetFile { target, .. } = toml::from_str(text)?;
    match in_order(&target).as_slice() {
        [(name, one)] => self::target(name, one),
        [] => Err(FieldError::new(0..0, "there is no target; add a [target.NAME]")),
        [_, (name, _), ..] => {
            Err(FieldError::at(name, "a target's file has a single target; move this one to a file of its own"))
        }
    }
}

/// Returns targets in the order of the file.
pub(super) fn targets(written: &Targets) -> Result<Vec<Target>, FieldError> {
    let written = in_order(written);
    if let Some((name, _)) = written.get(MOST_TARGETS) {
        let problem = format!("a scenario has at most {MOST_TARGETS} targets; remove this one");
        return Err(FieldError::at(name, problem));
    }
    written.into_iter().map(|(name, one)| target(name, one)).collect()
}

fn in_order(written: &Targets) -> Vec<(&At<String>, &written::Target)> {
    let mut targets: Vec<_> = written.iter().collect();
    targets.sort_by_key(|(name, _)| name.span().start);
    targets
}

fn target(name: &At<String>, written: &written::Target) -> Result<Target, FieldError> {
    let target = Target {
        name: self::name(name)?,
        command: written.command.as_ref().map(command).transpose()?,
        url: url::url(name, written)?,
        remote: written.remote.as_ref().is_some_and(|remote| **remote),
        ready: written.ready.as_ref().map(|ready| path("ready", ready, ready.span())).transpose()?,
        endpoints: endpoints(written)?,
        publish: written.publish.as_ref().map(publish::publish).transpose()?,
        stamp: written.stamp.as_ref().map(stamp::recipe).transpose()?.unwrap_or_default(),
    };
    if target.endpoints.is_empty() {
        return Err(FieldError::at(name, "the target has no endpoint; add one, as in `sse = \"/sse\"`"));
    }
    stamp::is_published(name, written, &target.stamp)?;
    Ok(target)
}

/// A name is part of labels and of shell commands.
fn name(written: &At<String>) -> Result<String, FieldError> {
    let good = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    if (1..=32).contains(&written.len()) && written.chars().all(good) {
        return Ok(written.to_string());
    }
    let problem = format!("{:?} cannot name a target; use 1 to 32 letters, digits and `-`", written.as_str());
    Err(FieldError::at(written, problem))
}

/// A command may have several lines.
fn command(written: &At<String>) -> Result<String, FieldError> {
    let is_hidden = |letter: char| text::is_hidden(letter) && !matches!(letter, '\n' | '\t');
    if written.trim().is_empty() {
        let problem = "the command is empty; write one, or remove `command` if the server is running already";
        return Err(FieldError::at(written, problem));
    }
    if let Some(hidden) = written.chars().find(|letter| is_hidden(*letter)) {
        let code = u32::from(hidden);
        return Err(FieldError::at(written, format!("`command` has an invisible character; remove U+{code:04X}")));
    }
    at_most("command", written, MOST_COMMAND_BYTES, "put it into a script")
}

fn endpoints(written: &written::Target) -> Result<BTreeMap<Transport, Endpoint>, FieldError> {
    let each = [
        (Transport::ShortPolling, &written.short_polling),
        (Transport::LongPolling, &written.long_polling),
        (Transport::Sse, &written.sse),
        (Transport::WebSocket, &written.websocket),
    ];
    let given = each.into_iter().filter_map(|(transport, endpoint)| Some((transport, endpoint.as_ref()?)));
    given.map(|(transport, one)| Ok((transport, endpoint::endpoint(transport, one)?))).collect()
}

/// Returns a text of limited length.
fn at_most(key: &str, written: &At<String>, most: usize, remedy: &str) -> Result<String, FieldError> {
    if written.len() <= most {
        return Ok(written.to_string());
    }
    Err(FieldError::at(
        written,
        format!("`{key}` has {} bytes, and at most {most} are possible; {remedy}", written.len()),
    ))
}

/// Returns a path, possibly with a query, as a request line has it.
fn path(key: &str, written: &str, span: std::ops::Range<usize>) -> Result<String, FieldError> {
    let is_plain = written.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if written.starts_with('/') && is_plain && written.len() <= MOST_LINE_BYTES {
        return Ok(written.to_owned());
    }
    let problem = format!(
        "`{key}` is not a path; start it with a slash, without spaces or `#`, at most {MOST_LINE_BYTES} bytes, as in \
         \"/feed\""
    );
    Err(FieldError::new(span, problem))
}

/// Whether a text is a token of HTTP (RFC 9110, section 5.6.2), as the names of header fields are.
fn is_token(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=MOST_LINE_BYTES).contains(&text.len()) && text.bytes().all(good)
}

/// Returns the name of a header field.
fn field_name(written: &At<String>) -> Result<String, FieldError> {
    if is_token(written) {
        return Ok(written.to_string());
    }
    let problem = format!("{:?} is not a header field; use letters, digits and `-`", written.as_str());
    Err(FieldError::at(written, problem))
}

/// The port is known only if the run has started the server.
fn has_port(text: &str) -> bool {
    text.contains(PORT)
}
