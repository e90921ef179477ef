//! `feedlab watch`: one client on a terminal, the same client that the load generator runs by the thousands.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use feedlab_experiment::scenario::Options;
use feedlab_feed::{Cursor, Transport, clock};
use feedlab_loadgen::transport::{self, Client, sse};
use tokio_util::sync::CancellationToken;

use super::{connection, request};
use crate::exit::{Exit, bad_input};
use crate::interrupt::Interrupt;
use crate::output::{self, Format};

mod endpoint;
mod line;
mod printer;
mod tally;

use endpoint::Endpoint;
use printer::{Lines, Printer, State};
use tally::{Tally, report_silence};

/// Follow a feed over any of the transports and print what arrives
///
/// Prints one line per update: its number, its age when it was received, its type and its data. If the connection
/// breaks, it reconnects and resumes after the last update. Data that is not a feedlab update is printed unchanged.
/// Standard error shows the server's response, long silences, and a summary at the end. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab watch http://127.0.0.1:8080                         over SSE
  feedlab watch http://127.0.0.1:8080 --transport websocket
  feedlab watch http://127.0.0.1:8080/feed/poll --interval 5s
  feedlab watch http://127.0.0.1:8080 --after 0 --count 10 --format json
  feedlab watch https://127.0.0.1:8443 --cacert server.pem    encrypted
  feedlab watch https://example.org/events --as browser       any event stream, like a browser
  feedlab watch http://127.0.0.1:9000/events --raw-events     the stream's events, as JSON")]
pub(crate) struct Args {
    /// A feedlab server, one of its endpoints, or any event stream; a user and password in it are sent (HTTP Basic)
    url: String,

    /// The transport [default: that of the endpoint in the URL, or sse]
    #[arg(long, value_name = "TRANSPORT", value_parser = names())]
    transport: Option<Transport>,

    /// Print the stream's own events as NDJSON: {"type","data","lastEventId"}; works with any event stream
    #[arg(long)]
    raw_events: bool,

    /// Start after this cursor or seq; 0 means the oldest update that the server has [default: the next update]
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,

    /// Stop after this many updates
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// Time between two requests, for short polling [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = super::some_time)]
    interval: Option<Duration>,

    /// How long the server may hold a request, for long polling [default: 25s]
    #[arg(long, value_name = "TIME", value_parser = super::some_time)]
    hold: Option<Duration>,

    #[command(flatten)]
    request: request::Identity,

    #[command(flatten)]
    link: connection::Flags,

    /// Output format of updates: a line of text, or the update's JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Returns a parser for the four names, listed one by one so that shells can complete them.
fn names() -> impl TypedValueParser<Value = Transport> {
    PossibleValuesParser::new(Transport::ALL.map(Transport::id)).try_map(|name| name.parse::<Transport>())
}

/// Follows the feed until Ctrl-C, the last of the requested updates, or a server that ends the stream permanently.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    let endpoint = endpoint::find(&args.url, args.transport, args.raw_events).map_err(bad_input)?;
    let options = options(args, endpoint.transport).map_err(bad_input)?;
    let transport = endpoint.transport;
    let client = client(args, endpoint).map_err(bad_input)?;
    let lines = match args.format {
        _ if args.raw_events => Lines::Events,
        Format::Text => Lines::People,
        Format::Json => Lines::Json,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let interrupt = Interrupt::listen()?;
        let stop = interrupt.stop.child_token();
        let tally = Rc::new(RefCell::new(Tally::new(clock::now())?));
        let (url, state) = (transport::shown(&client.url), State::default());
        let left = args.count;
        let mut printer = Printer { lines, transport, left, url, tally: tally.clone(), stop: stop.clone(), state };
        tokio::select! {
            () = follow(args.raw_events, client, &options, &mut printer, &stop) => {}
            () = interrupt.at_once.cancelled() => {}
            () = report_silence(&tally) => {}
        }
        if tally.borrow().has_begun() {
            output::advice(&tally.borrow().summary(clock::now()));
        }
        printer.end()?;
        Ok(if interrupt.stop.is_cancelled() { Exit::Interrupted } else { Exit::Done })
    })
}

async fn follow(raw: bool, client: Client, options: &Options, printer: &mut Printer, stop: &CancellationToken) {
    if raw {
        // A single client needs no jitter: it reconnects after exactly the time that the stream set.
        let options = sse::Options { jitter: 0.0, raw_events: true, ..sse::Options::default() };
        sse::run(client, options, printer, stop).await;
    } else {
        transport::run(client, options, printer, stop).await;
    }
}

fn client(args: &Args, endpoint: Endpoint) -> anyhow::Result<Client> {
    let Endpoint { mut url, transport, after } = endpoint;
    let link = connection::of(&args.link, &url)?;
    let headers = request::headers(&args.request, transport, &mut url)?;
    let mut client = Client::new(url, clock::unix_us());
    client.link = link;
    client.after = args.after.or(after);
    client.headers = headers;
    Ok(client)
}

/// Returns the transport's options. Rejects options of another transport.
fn options(args: &Args, transport: Transport) -> anyhow::Result<Options> {
    let belongs = |given: bool, flag: &str, to: Transport| {
        anyhow::ensure!(!given || transport == to, "{flag} requires {to}, but the transport is {transport}");
        Ok(())
    };
    belongs(args.interval.is_some(), "--interval", Transport::ShortPolling)?;
    belongs(args.hold.is_some(), "--hold", Transport::LongPolling)?;
    belongs(args.raw_events, "--raw-events", Transport::Sse)?;
    // The server's keepalive interval is not known here.
    let keepalive = Duration::ZERO;
    Ok(match transport {
        Transport::ShortPolling => Options::ShortPolling {
            interval: args.interval.unwrap_or(Duration::from_secs(1)),
            keep_alive: true,
            conditional: true,
        },
        Transport::LongPolling => {
            Options::LongPolling { hold: args.hold.unwrap_or(Duration::from_secs(25)), keep_alive: true }
        }
        Transport::Sse => Options::Sse { keepalive },
        Transport::WebSocket => Options::WebSocket { keepalive },
    })
}
