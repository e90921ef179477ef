//! `feedlab publish`: publishes a feed into a stream of NATS JetStream, for any number of servers to serve.

use std::thread;
use std::time::Duration;

use feedlab_feed::clock;
use feedlab_feed::settings::flag::some_time;
use feedlab_feed::source::{Due, Item, Source, SourceConfig, StreamAddress};
use feedlab_feed::stats::Start;
use feedlab_nats::{Credentials, Missing, Stream};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::serve::feed::{self, FeedArgs};
use crate::exit::{Exit, bad_input};
use crate::input::{handed_over, orders};
use crate::interrupt::Interrupt;
use crate::{log, output};

/// Publish a feed into a stream of NATS JetStream
///
/// Creates the stream if it does not exist, and ends with the feed or with Ctrl-C. The broker acknowledges each update
/// before the next is sent. If an acknowledgement is lost, the update is sent again but stored once. While the broker
/// is unreachable, updates wait; they keep the time at which they were due. Credentials for the broker come from
/// NATS_USER and NATS_PASSWORD, NATS_TOKEN, or NATS_CREDS=FILE.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  feedlab publish --to nats://127.0.0.1/QUAKES --feed replay:scenarios/feeds/earthquakes.ndjson --speed 1000
  feedlab publish --to nats://127.0.0.1/TICKS --feed synthetic --rate 50 --for 10s

Exit status:
    0  published until the end of the feed, the end of --for, or Ctrl-C
    1  the broker is unreachable, or rejects the feed
    2  wrong usage, or a feed that cannot be read

Next:
  feedlab serve --feed nats://127.0.0.1/QUAKES    any number of them, on different ports")]
pub(crate) struct Args {
    /// The stream, created if it does not exist
    #[arg(long, value_name = "nats://HOST/STREAM")]
    to: StreamAddress,

    /// Stop after this time
    #[arg(long = "for", value_name = "TIME", value_parser = some_time)]
    time: Option<Duration>,

    #[command(flatten)]
    feed: FeedArgs,

    /// Read the feed from standard input as a line of JSON, and its start time as another; stop when standard input
    /// ends
    #[arg(long, hide = true, conflicts_with_all = ["FeedArgs", "time"])]
    feed_from_stdin: bool,
}

/// The line of JSON that a publisher with `--feed-from-stdin` prints when it is ready.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// The stream that it will publish to.
    pub(crate) to: StreamAddress,
}

/// Publishes until the feed ends, or a signal comes.
pub(crate) fn execute(args: &Args) -> anyhow::Result<Exit> {
    log::begin();
    let config =
        if args.feed_from_stdin { Some(handed_over("feed")?) } else { args.feed.source().map_err(bad_input)? };
    let source = match &config {
        None => Err(anyhow::anyhow!("--feed none publishes nothing")),
        Some(SourceConfig::Stream(_)) => {
            Err(anyhow::anyhow!("--feed is the source and --to the destination: only --to can be a stream"))
        }
        Some(config) => config.open().map_err(Into::into),
    };
    let source = source.map_err(bad_input)?;
    let credentials = Credentials::from_env().map_err(bad_input)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let published = runtime.block_on(async {
        let signals = Interrupt::listen()?;
        let stream = Stream::open(&args.to, &credentials, Missing::Create).await?;
        let start = if args.feed_from_stdin {
            output::json_line(&Ready { to: args.to.clone() })?;
            begin(&signals.stop).await
        } else {
            let name = feed::name(config.as_ref());
            output::advice(&format!("publishing the feed `{name}` to {} (Ctrl-C stops)", args.to));
            clock::unix_us()
        };
        anyhow::Ok(publish(&stream, (source, start), args.time, &signals.stop).await)
    });
    // A source that waits for a line of standard input cannot be woken, and must not delay the exit.
    runtime.shutdown_background();
    output::data(&published?.summary(&args.to))?;
    Ok(Exit::Done)
}

/// How long to wait for the acknowledgement of the last update after the end.
const LAST_ACKNOWLEDGEMENT: Duration = Duration::from_secs(2);

/// What was published.
#[derive(Debug, Default)]
struct Published {
    /// The number of acknowledged updates.
    count: u64,
    /// The sequence number of the first.
    first: u64,
    /// The sequence number of the last.
    last: u64,
    /// Whether one more was sent but not acknowledged.
    is_last_unknown: bool,
    took: Duration,
}

impl Published {
    fn summary(&self, to: &StreamAddress) -> String {
        let unknown = if self.is_last_unknown { "; one more was not acknowledged, but may be stored" } else { "" };
        match self.count {
            0 => format!("published nothing to {to}{unknown}\n"),
            count => {
                let (first, last, seconds) = (self.first, self.last, self.took.as_secs_f64());
                format!("published {count} updates to {to}, seq {first} to {last}, in {seconds:.1} s{unknown}\n")
            }
        }
    }
}

/// Returns the feed's start time, µs of Unix time: from standard input, or the current time if stopped before.
async fn begin(stop: &CancellationToken) -> u64 {
    orders(stop.clone()).recv().await.map_or_else(clock::unix_us, |Start { at }| at)
}

/// Publishes a source until it ends, `time` is over, or it is stopped. `start` is the feed's start time, µs of Unix
/// time.
async fn publish(
    stream: &Stream,
    (source, start): (Box<dyn Source>, u64),
    time: Option<Duration>,
    stop: &CancellationToken,
) -> Published {
    let begin = clock::now();
    let mut published = Published::default();
    let mut updates = produce(source, start);
    // Once the time is over, this returns immediately.
    let over = async || match time {
        Some(time) => drop(stop.run_until_cancelled(tokio::time::sleep_until((begin + time).into())).await),
        None => stop.cancelled().await,
    };
    loop {
        let next = tokio::select! {
            biased;
            () = over() => None,
            next = updates.recv() => next,
        };
        let Some((item, at)) = next else { break };
        let too_long = async {
            over().await;
            tokio::time::sleep(LAST_ACKNOWLEDGEMENT).await;
        };
        let seq = tokio::select! {
            seq = stream.publish_patiently(item, at) => seq,
            () = too_long => {
                published.is_last_unknown = true;
                break;
            }
        };
        published.count += 1;
        published.first = if published.count == 1 { seq } else { published.first };
        published.last = seq;
    }
    Published { took: begin.elapsed(), ..published }
}

/// Returns a channel of updates, each sent when it is due, with that time in µs of Unix time. Uses a thread, because a
/// live source blocks; it ends when the receiver is dropped.
fn produce(mut source: Box<dyn Source>, start: u64) -> mpsc::Receiver<(Item, u64)> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        while let Some(due) = source.next_due() {
            let at = match due {
                Due::Now => clock::unix_us(),
                Due::At(offset) => start.saturating_add(clock::micros(offset)),
            };
            thread::sleep(Duration::from_micros(at.saturating_sub(clock::unix_us())));
            if sender.blocking_send((source.produce(), at)).is_err() {
                return;
            }
        }
    });
    receiver
}
