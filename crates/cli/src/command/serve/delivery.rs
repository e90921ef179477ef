//! The flags that say how updates are handed out: how far back, how often, and to whom no longer.

use std::time::Duration;

use feedlab_feed::settings::SlowPolicy;
use feedlab_server::Config;

use super::at_least_one;
use crate::command::some_time;

/// The flags.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Doors")]
pub(super) struct DeliveryArgs {
    /// Updates back that a client may go that connects or asks; with 0, polling gets only gaps
    #[arg(long, value_name = "N", default_value_t = 4096)]
    history: usize,

    /// Updates that an open stream may be behind, at least --history
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = at_least_one)]
    queue: usize,

    /// What becomes of a stream whose client reads too slowly
    #[arg(long, value_enum, default_value_t)]
    slow_policy: SlowPolicy,

    /// Updates published since it stopped taking any, after which --slow-policy disconnect ends a stream [default: 256]
    #[arg(long, value_name = "N")]
    slow_limit: Option<u64>,

    /// Hand updates out at most so often, those in between together
    #[arg(long, value_name = "TIME", value_parser = some_time)]
    coalesce: Option<Duration>,

    /// The kernel's send buffer of each connection: a small one lets slowness show early [default: the kernel's choice]
    #[arg(long, value_name = "BYTES", value_parser = at_least_one)]
    send_buffer: Option<usize>,

    /// Time between two signs of life on an idle stream
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = some_time)]
    keepalive: Duration,

    /// What a client of an event stream is told to wait before it comes back
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = some_time)]
    retry: Duration,

    /// The longest hold that a long poll may ask for
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = some_time)]
    max_hold: Duration,
}

impl DeliveryArgs {
    /// A flag without effect would leave its user with a server that is not the one asked for.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.slow_limit.is_none() || self.slow_policy == SlowPolicy::Disconnect,
            "--slow-limit belongs to --slow-policy disconnect"
        );
        Ok(())
    }

    /// The settings that they stand for.
    pub(super) fn config(&self) -> Config {
        let defaults = Config::default();
        Config {
            history: self.history,
            queue: self.queue,
            slow_policy: self.slow_policy,
            slow_limit: self.slow_limit.unwrap_or(defaults.slow_limit),
            coalesce: self.coalesce,
            send_buffer: self.send_buffer,
            keepalive: self.keepalive,
            retry: self.retry,
            max_hold: self.max_hold,
            ..defaults
        }
    }
}
