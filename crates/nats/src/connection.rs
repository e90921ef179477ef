//! A connection to a broker, which reconnects by itself and reports its state.

use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event};
use feedlab_feed::clock;
use feedlab_feed::source::BrokerAddress;
use feedlab_feed::stats::BrokerStats;
use tokio::sync::watch;

use crate::{Credentials, Error};

/// Time for a broker to answer: its handshake, or a request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The first and the longest pause before another attempt to reconnect. Each pause is random, between half and all of
/// its length, so that the servers of one feed do not reconnect all at once.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A connection to a broker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connection {
    pub(crate) client: Client,
    pub(crate) context: Context,
    state: watch::Receiver<BrokerStats>,
}

impl Connection {
    /// Connects. Afterwards, the connection reconnects whenever it is lost, however long that takes.
    ///
    /// # Errors
    /// When no server answers, or the server refuses the credentials.
    pub async fn open(address: &BrokerAddress, credentials: &Credentials) -> Result<Self, Error> {
        let (sender, state) = watch::channel(BrokerStats { connected: false, since: clock::unix_us(), lost: 0 });
        let options = identified(ConnectOptions::new(), credentials)?
            .name("feedlab")
            .connection_timeout(TIMEOUT)
            .request_timeout(Some(TIMEOUT))
            .max_reconnects(None)
            .reconnect_delay_callback(pause)
            .event_callback(move |event| {
                note(&sender, &event);
                std::future::ready(())
            });
        let servers: Vec<String> = address.servers().collect();
        let client = options.connect(&servers[..]).await.map_err(|error| explain(&error, servers.join(",")))?;
        let context = jetstream::new(client.clone());
        Ok(Self { client, context, state })
    }

    /// The state of the connection.
    #[must_use]
    pub fn state(&self) -> BrokerStats {
        *self.state.borrow()
    }

    /// A receiver of the changes of its state.
    pub(crate) fn changes(&self) -> watch::Receiver<BrokerStats> {
        self.state.clone()
    }
}

fn identified(options: ConnectOptions, credentials: &Credentials) -> Result<ConnectOptions, Error> {
    Ok(match credentials {
        Credentials::None => options,
        Credentials::Token(token) => options.token(token.clone()),
        Credentials::User { name, password } => options.user_and_password(name.clone(), password.clone()),
        Credentials::File(text) => {
            options.credentials(text).map_err(|error| Error::failed("accept NATS_CREDS", error))?
        }
    })
}

fn pause(tries: usize) -> Duration {
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    rand::random_range(pause / 2..=pause)
}

fn note(state: &watch::Sender<BrokerStats>, event: &Event) {
    let change = |connected: bool| {
        state.send_if_modified(|state| {
            let changed = state.connected != connected;
            if changed {
                let lost = state.lost + u64::from(!connected);
                *state = BrokerStats { connected, since: clock::unix_us(), lost };
            }
            changed
        })
    };
    match event {
        Event::Connected => {
            if change(true) {
                tracing::info!("connected to the broker");
            }
        }
        Event::Disconnected => {
            if change(false) {
                tracing::warn!(
                    "lost the connection to the broker; clients are kept, and reconnecting continues until it is back"
                );
            }
        }
        Event::LameDuckMode => tracing::info!("the broker announced that it will shut down"),
        other => tracing::debug!(%other, "the broker's connection"),
    }
}

fn explain(error: &ConnectError, servers: String) -> Error {
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => Error::Unauthorized { servers },
        _ => Error::Unreachable { servers, reason: innermost(error) },
    }
}

/// Returns the innermost cause, which is the actionable one.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        for tries in 0..100 {
            let pause = pause(tries);
            assert!(pause >= FIRST_PAUSE / 2 && pause <= LONGEST_PAUSE, "{pause:?}");
        }
        assert!(pause(50) >= LONGEST_PAUSE / 2);
        assert!(pause(1) <= FIRST_PAUSE);
    }
}
