//! What the runner is able to do on a server: publish, restart it, and resume. What it cannot do is said with the remedy.

use std::time::Duration;

use feedlab_feed::clock;
use url::Url;

use super::case::{CaseRun, Context};
use super::options::Options;
use super::token::Tokens;
use crate::contract::{Case, Close, Endpoint, Frame, Level, Need, Profile, Step, Time};
use crate::outcome::CheckError;
use crate::publish::{Publisher, Update, feedlab_refuses};
use crate::target::request::Until;
use crate::target::{Request, Target, ask};
use crate::{frames, http, limits, stream};

/// What the runner is able to do.
pub(super) struct Abilities {
    /// How it publishes.
    pub(super) publisher: Publisher,
    /// Why it cannot publish, and how it could.
    why_not: String,
    /// Whether the server replays updates; `None` before it is tried, otherwise why not.
    history: Option<Result<(), String>>,
    /// Whether only this check publishes; `None` before it is tried, otherwise why not.
    quiet: Option<Result<(), String>>,
    /// Whether a WebSocket takes messages from its clients; `None` before it is tried, otherwise why not.
    messages: Option<Result<(), String>>,
}

impl Abilities {
    /// Finds out how updates are published, by publishing one, unless no case needs it.
    pub(super) async fn find(
        options: &Options,
        target: &Target,
        tokens: &mut Tokens,
        is_needed: bool,
    ) -> Result<Self, CheckError> {
        let number = tokens.next();
        let token = tokens.text(number);
        let mut why_not = "there is no way to publish: specify one with --publish or --publish-command".to_owned();
        let publisher = match &options.publish {
            Some(publisher) if is_needed && *publisher != Publisher::None => {
                let tried = publisher.publish(target, Update { data: &token, event_type: None }, options.timeout).await;
                tried.map_err(|error| CheckError::BadInput(error.to_string()))?;
                publisher.clone()
            }
            Some(publisher) => publisher.clone(),
            None if target.profile == Profile::Feedlab && is_needed => {
                match feedlab_refuses(target, &token, options.timeout).await {
                    None => Publisher::Feedlab,
                    Some(reason) => {
                        why_not = reason;
                        Publisher::None
                    }
                }
            }
            None => Publisher::None,
        };
        Ok(Self { publisher, why_not, history: None, quiet: None, messages: None })
    }

    /// Why a case cannot be tried, if so.
    pub(super) async fn lack(&mut self, case: &Case, context: &mut Context<'_>) -> Option<String> {
        if case.publishes() && self.publisher == Publisher::None {
            return Some(self.why_not.clone());
        }
        if case.needs.contains(&Need::Restart) && context.restart.is_none() {
            return Some("the server has to be restarted: specify how with --restart-command".to_owned());
        }
        if uses_cursor(case) && context.target.profile == Profile::Poll && context.target.mapping.cursor.is_none() {
            return Some("the location of the cursor is unknown: specify it with --cursor and --after".to_owned());
        }
        for need in &case.needs {
            if let Some(reason) = self.found(*need, context).await {
                return Some(reason);
            }
        }
        None
    }

    /// Why the server does not do what a case needs, which is found by trying it once.
    async fn found(&mut self, need: Need, context: &mut Context<'_>) -> Option<String> {
        let known = match need {
            Need::Publish | Need::Restart => return None,
            Need::History => &mut self.history,
            Need::Quiet => &mut self.quiet,
            Need::Messages => &mut self.messages,
        };
        if known.is_none() {
            *known = Some(match need {
                Need::Quiet => is_quiet(context.target, context.patience).await,
                Need::Messages => takes_messages(context).await,
                _ => has_history(context).await,
            });
        }
        known.clone()?.err()
    }
}

/// Whether a case continues from a cursor.
fn uses_cursor(case: &Case) -> bool {
    case.steps.iter().any(|step| matches!(step, Step::Keep { what, .. } if what == "cursor"))
}

/// Finds out whether a WebSocket stays open when its client begins a message.
async fn takes_messages(context: &mut Context<'_>) -> Result<(), String> {
    let name = || "socket".to_owned();
    let begin = Step::Send {
        on: name(),
        frame: Frame(frames::TEXT),
        payload: "{".to_owned(),
        code: None,
        length: None,
        hex: None,
        fin: Some(false),
        masked: None,
        reserved: None,
    };
    let stays = Step::ExpectOpen { of: name(), r#for: Time(limits::LISTEN) };
    let probe = internal(Profile::Websocket, vec![open(Profile::Websocket, "socket", None), begin, stays]);
    let failure = CaseRun::all_sizes(context, &probe).await;
    failure.map_or(Ok(()), |failure| Err(format!("it does not accept messages from clients: {}", failure.came)))
}

/// Finds out whether a feed is silent unless this check publishes: what it says does not change within a second. An answer
/// that cannot be read is no reason not to try a case, which then says what is wrong with it.
async fn is_quiet(target: &Target, within: Duration) -> Result<(), String> {
    let busy = "the feed has updates from elsewhere: try a quiet one (a feedlab server: --feed none)";
    let endpoint = match target.profile {
        Profile::Feedlab | Profile::Poll => Endpoint::Poll,
        Profile::Sse => Endpoint::Sse,
        // A WebSocket sends nothing that two answers could be compared by.
        Profile::Websocket => return Ok(()),
    };
    let url = target.endpoint(endpoint);
    let mut request = Request::new("GET", &url, if endpoint == Endpoint::Sse { "text/event-stream" } else { "*/*" });
    request.replace(&target.headers);
    let is_busy = if endpoint == Endpoint::Sse {
        streams_events(target, &url, &request, within).await
    } else {
        let first = ask(target, &url, &request, Until::Complete, within).await;
        tokio::time::sleep(limits::LISTEN).await;
        let second = ask(target, &url, &request, Until::Complete, within).await;
        matches!((first, second), (Ok(first), Ok(second)) if first.text() != second.text())
    };
    if is_busy { Err(busy.to_owned()) } else { Ok(()) }
}

/// Whether a stream sends events after what it begins with.
async fn streams_events(target: &Target, url: &Url, request: &Request, within: Duration) -> bool {
    let Ok(mut connection) = target.open(url, within, clock::now()).await else { return false };
    if connection.send(&request.bytes()).await.is_err() {
        return false;
    }
    tokio::time::sleep(limits::LISTEN * 2).await;
    let response = connection.recording().view(|received| http::parse(received, "GET"));
    stream::events(&response.body).0.iter().any(|event| event.at > limits::LISTEN)
}

/// Finds out whether a server replays an update that was published while nobody was there.
async fn has_history(context: &mut Context<'_>) -> Result<(), String> {
    let probe = probe(context.target.profile);
    match CaseRun::all_sizes(context, &probe).await {
        None => Ok(()),
        Some(failure) => {
            Err(format!("no update is replayed for a cursor: expected {}, got {}", failure.expected, failure.came))
        }
    }
}

/// The case that finds out whether updates are replayed.
fn probe(profile: Profile) -> Case {
    let name = |name: &str| name.to_owned();
    let publish = |update: &str| Step::Publish {
        names: vec![name(update)],
        data: None,
        event_type: None,
        count: None,
        length: None,
    };
    let updates = |of: &str, update: &str| Step::ExpectUpdates {
        of: name(of),
        are: vec![name(update)],
        within: None,
        quiet: None,
    };
    let keep = Step::Keep { of: name("first"), what: name("cursor"), name: name("cursor") };
    let leave = Step::Close { on: name("first"), how: Close::Fin };
    let again = [publish("b"), open(profile, "second", Some("$cursor")), updates("second", "b")];
    let mut steps = match profile {
        Profile::Feedlab | Profile::Poll => vec![publish("a"), open(profile, "first", None), keep, leave],
        Profile::Sse | Profile::Websocket => {
            let status = if profile == Profile::Sse { 200 } else { 101 };
            let opened = Step::ExpectStatus { of: name("first"), is: vec![status], within: None };
            vec![open(profile, "first", None), opened, publish("a"), updates("first", "a"), keep, leave]
        }
    };
    steps.extend(again);
    internal(profile, steps)
}

/// A case that finds something out.
fn internal(profile: Profile, steps: Vec<Step>) -> Case {
    Case {
        id: "probe".to_owned(),
        profiles: vec![profile],
        level: Level::Must,
        rule: String::new(),
        source: String::new(),
        url: String::new(),
        fix: String::new(),
        needs: vec![Need::Publish],
        requires: Vec::new(),
        sizes: vec![1],
        steps,
    }
}

fn open(profile: Profile, name: &str, after: Option<&str>) -> Step {
    let (name, after) = (name.to_owned(), after.map(str::to_owned));
    if profile == Profile::Websocket {
        return Step::Upgrade { name, query: None, after, headers: Vec::new(), count: None };
    }
    let to = if profile == Profile::Sse { Endpoint::Sse } else { Endpoint::Poll };
    Step::Request {
        to,
        name,
        method: None,
        query: None,
        after,
        headers: Vec::new(),
        version: None,
        body: None,
        count: None,
    }
}
