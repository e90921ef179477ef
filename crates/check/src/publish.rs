//! How an update is published on the server that is judged: with a request, with a command, or as feedlab does.
//! The runner calls it; the CLI parses `--publish` and `--publish-command` with it.

use std::time::Duration;

use serde_json::json;
use url::Url;

use crate::contract::Endpoint;
use crate::shell::{self, ShellError};
use crate::target::request::Until;
use crate::target::{Request, Target, ask};

mod template;

pub use template::Template;

/// How updates are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publisher {
    /// With an HTTP request.
    Request(Template),
    /// With a command of the shell, which finds the update in the environment variable `UPDATE`.
    Command(String),
    /// As on any feedlab server that allows it: `POST /feed`.
    Feedlab,
    /// There is no way.
    None,
}

/// An update to publish.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The text.
    pub data: &'a str,
    /// The event type, which only feedlab servers are given.
    pub event_type: Option<&'a str>,
}

/// Why an update is not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The option cannot be read. Holds what is wrong with it.
    #[error(
        "`{0}` is not a request: write it as 'POST /PATH {{\"text\":\"$UPDATE\"}}', where $UPDATE stands for the update"
    )]
    Template(String),
    /// The server refuses. Holds the request's first line, the status, and the beginning of the body.
    #[error("{0} was answered with status {1}{2}: check --publish")]
    Refused(String, u16, String),
    /// There is no answer. Holds the request's first line and the reason.
    #[error("{0}: {1}: check --publish")]
    Unanswered(String, String),
    /// The command fails. Holds what happened, and the first line of what it said.
    #[error("the command of --publish-command {0}{1}: try it by hand with UPDATE=test")]
    Command(String, String),
    /// There is no way to publish.
    #[error("there is no way to publish: specify one with --publish or --publish-command")]
    NoWay,
}

impl Publisher {
    /// Reads a request such as `POST /messages {"text":"$UPDATE"}`.
    ///
    /// # Errors
    /// When it is not such a request, or has no `$UPDATE`.
    pub fn request(text: &str) -> Result<Self, PublishError> {
        Template::read(text).map(Self::Request)
    }

    /// Adds header fields to a request. A command has none.
    #[must_use]
    pub fn with_headers(self, headers: Vec<(String, String)>) -> Self {
        match self {
            Self::Request(template) => Self::Request(Template { headers, ..template }),
            other => other,
        }
    }

    /// A command of the shell.
    #[must_use]
    pub fn command(command: &str) -> Self {
        Self::Command(command.to_owned())
    }

    /// How updates are published, in words; `None` if there is no way. Nothing in it is secret.
    #[must_use]
    pub fn describe(&self) -> Option<String> {
        match self {
            Self::Request(template) => Some(template.line()),
            Self::Command(_) => Some("a command".to_owned()),
            Self::Feedlab => Some("POST /feed".to_owned()),
            Self::None => None,
        }
    }

    /// Publishes an update.
    ///
    /// # Errors
    /// When it is refused, or there is no answer in time. The message is one line.
    pub async fn publish(&self, target: &Target, update: Update<'_>, within: Duration) -> Result<(), PublishError> {
        match self {
            Self::Request(template) => template.send(target, update.data, within).await,
            Self::Command(command) => run(command, update.data).await,
            Self::Feedlab => feedlab(target, update, within).await,
            Self::None => Err(PublishError::NoWay),
        }
    }
}

async fn feedlab(target: &Target, update: Update<'_>, within: Duration) -> Result<(), PublishError> {
    let url = target.endpoint(Endpoint::Publish);
    let mut request = Request::new("POST", &url, "*/*");
    let body = match update.event_type {
        Some(event_type) => json!({ "type": event_type, "data": update.data }),
        None => json!({ "data": update.data }),
    };
    request.body(&body.to_string());
    request.replace(&target.headers);
    answered(target, &url, &request, within, "POST /feed", |text| target.secrets.hide(text)).await
}

/// Sends a request, which must be accepted. `shown` removes what is secret from an answer.
async fn answered(
    target: &Target,
    url: &Url,
    request: &Request,
    within: Duration,
    line: &str,
    shown: impl Fn(&str) -> String,
) -> Result<(), PublishError> {
    let response = ask(target, url, request, Until::Head, within).await;
    let response = response.map_err(|what| PublishError::Unanswered(line.to_owned(), what))?;
    let status = response.head.as_ref().map_or(0, |head| head.status);
    if (200..300).contains(&status) {
        return Ok(());
    }
    Err(PublishError::Refused(line.to_owned(), status, said(&shown(&response.text()))))
}

/// The first line of a text, for an error.
fn said(text: &str) -> String {
    let line: String =
        text.trim().lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(100).collect();
    if line.is_empty() { line } else { format!(" ({line})") }
}

/// Runs a command with an update in its environment.
async fn run(command: &str, update: &str) -> Result<(), PublishError> {
    shell::publish(command, update).await.map_err(|error| {
        let text =
            if let ShellError::Failed(_, text) = &error { said(&String::from_utf8_lossy(text)) } else { String::new() };
        PublishError::Command(error.to_string(), text)
    })
}

/// Why a feedlab server does not allow publishing; `None` if it does.
pub(crate) async fn feedlab_refuses(target: &Target, token: &str, within: Duration) -> Option<String> {
    let update = Update { data: token, event_type: None };
    match Publisher::Feedlab.publish(target, update, within).await {
        Ok(()) => None,
        Err(PublishError::Refused(_, status @ 403..=405, _)) => {
            Some(format!("publishing is off (status {status}): start the server with --allow-publish"))
        }
        Err(PublishError::Refused(_, 401, _)) => {
            Some("publishing requires a token (status 401): pass it with --header 'Authorization: Bearer …'".to_owned())
        }
        Err(error) => Some(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_gets_the_update_and_its_failure_is_one_line() {
        run("test \"$UPDATE\" = hello", "hello").await.unwrap();
        let error = run("echo wrong way >&2; echo more >&2; exit 3", "x").await.unwrap_err().to_string();
        assert!(error.contains("exit status: 3 (wrong way)") && !error.contains('\n'), "{error}");
    }
}
