//! What is checked: the command line as the options of a run.

use std::collections::BTreeSet;

use anyhow::Context as _;
use feedlab_check::contract::{Contract, Profile};
use feedlab_check::publish::Publisher;
use feedlab_check::run::Options;
use feedlab_check::target::Mapping;
use feedlab_feed::Transport;
use feedlab_loadgen::transport::Url;
use feedlab_loadgen::transport::header::{HeaderName, HeaderValue};

use super::Args;
use crate::command::{connection, request};

/// Checks that the contract has the selected stages and cases.
pub(super) fn check_selection(args: &Args, contract: &Contract) -> anyhow::Result<()> {
    let stages: Vec<u8> = contract.stages.iter().map(|stage| stage.stage).collect();
    if let Some(unknown) = args.stages.iter().find(|stage| !stages.contains(stage)) {
        let (first, last) = (stages.first().unwrap_or(&0), stages.last().unwrap_or(&0));
        anyhow::bail!("there is no stage {unknown}: the stages are {first} to {last} (feedlab check --list)");
    }
    let ids: BTreeSet<&str> =
        contract.stages.iter().flat_map(|stage| &stage.cases).map(|case| case.id.as_str()).collect();
    match args.cases.iter().find(|case| !ids.contains(case.as_str())) {
        Some(unknown) => {
            anyhow::bail!("there is no case `{unknown}`{}: feedlab check --list shows their names", like(unknown, &ids))
        }
        None => Ok(()),
    }
}

/// The cases that share most words with a name.
fn like(name: &str, ids: &BTreeSet<&str>) -> String {
    let words: BTreeSet<&str> = name.split('-').filter(|word| word.len() > 1).collect();
    let shared = |id: &str| id.split('-').filter(|word| words.contains(word)).count();
    let most = ids.iter().map(|id| shared(id)).max().unwrap_or(0);
    let alike: Vec<&str> = ids.iter().filter(|id| most > 0 && shared(id) == most).take(3).copied().collect();
    if alike.is_empty() { String::new() } else { format!(" (did you mean {}?)", alike.join(" or ")) }
}

/// Returns the options of the check.
pub(super) fn of(args: &Args, contract: Contract) -> anyhow::Result<Options> {
    let mut url = parse(args.url.as_deref().unwrap_or_default())?;
    let profile: Option<Profile> = args.profile.map(Into::into);
    let headers = request::headers(&args.identity, transport(profile, &url), &mut url)?;
    let mapping = Mapping { items: args.items.clone(), cursor: args.cursor.clone(), after: args.after.clone() };
    Ok(Options {
        tls: connection::tls(&args.trust, &url)?,
        url,
        profile,
        headers: fields(&headers)?,
        mapping,
        publish: publisher(args)?,
        restart_command: args.restart_command.clone(),
        stages: args.stages.clone(),
        cases: args.cases.clone(),
        timeout: args.timeout,
        contract,
    })
}

/// Parses the URL. Unlike `watch`, a check needs the scheme: it decides what the server is judged as.
fn parse(text: &str) -> anyhow::Result<Url> {
    // A URL that cannot be parsed may contain a password anywhere.
    let shown = if text.contains(['@', '?']) { "the address".to_owned() } else { format!("`{text}`") };
    anyhow::ensure!(
        text.contains("://"),
        "{shown} has no scheme: write it as http://HOST:PORT/PATH, or ws://… for a WebSocket"
    );
    let url = Url::parse(text)
        .map_err(|why| anyhow::anyhow!("{shown} is not a URL ({why}): write it as http://127.0.0.1:8080"))?;
    match url.scheme() {
        "http" | "https" | "ws" | "wss" => Ok(url),
        other => anyhow::bail!("unsupported scheme: {other}; a URL starts with http://, https://, ws:// or wss://"),
    }
}

/// The transport whose headers the requests have.
fn transport(profile: Option<Profile>, url: &Url) -> Transport {
    match profile {
        Some(Profile::Poll) => Transport::ShortPolling,
        Some(Profile::Websocket) => Transport::WebSocket,
        None if url.scheme().starts_with("ws") => Transport::WebSocket,
        Some(Profile::Feedlab | Profile::Sse) | None => Transport::Sse,
    }
}

fn fields<'a>(
    headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
) -> anyhow::Result<Vec<(String, String)>> {
    let field = |(name, value): (&HeaderName, &HeaderValue)| {
        let text =
            std::str::from_utf8(value.as_bytes()).with_context(|| format!("the value of {name} is not UTF-8"))?;
        Ok((name.to_string(), text.to_owned()))
    };
    headers.into_iter().map(field).collect()
}

fn publisher(args: &Args) -> anyhow::Result<Option<Publisher>> {
    // A publication is a request as a poll is.
    let header = |text: &String| request::header("--publish-header", text, Transport::ShortPolling);
    let headers = args.publish_header.iter().map(header).collect::<anyhow::Result<Vec<_>>>()?;
    let headers = fields(headers.iter().map(|(name, value)| (name, value)))?;
    Ok(match (&args.publish, &args.publish_command) {
        (Some(request), _) => Some(Publisher::request(request)?.with_headers(headers)),
        (None, command) => command.as_deref().map(Publisher::command),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_errors_show_no_password() {
        assert_eq!(parse("ws://h/chat").unwrap().as_str(), "ws://h/chat");
        for (text, needle) in [
            ("127.0.0.1:3000/events", "`127.0.0.1:3000/events` has no scheme"),
            ("localhost:3000", "has no scheme"),
            ("user:pw@h/", "the address has no scheme"),
            ("http://user:pw@", "the address is not a URL"),
            ("ftp://user:pw@h/", "unsupported scheme: ftp"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(needle) && !error.contains("pw"), "{text}: {error}");
        }
    }

    #[test]
    fn an_unknown_case_is_compared_by_its_words() {
        let ids = BTreeSet::from(["resume-once", "resume-twice", "sse-status"]);
        assert_eq!(like("resum-twice", &ids), " (did you mean resume-twice?)");
        assert_eq!(like("resume", &ids), " (did you mean resume-once or resume-twice?)");
        assert_eq!(like("x", &ids), "");
    }
}
