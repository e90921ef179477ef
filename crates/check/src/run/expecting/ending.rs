//! What is expected of a connection itself: that it stays open, or how it ends.

use super::{CaseRun, Look, Miss, no_more};
use crate::contract::{Ending, Endpoint, Time};
use crate::run::exchange::{Exchange, View};

impl CaseRun<'_, '_> {
    pub(super) async fn expect_open(&self, of: &str, time: Time) -> Result<(), Miss> {
        let expected = format!("the connection is still open after {}", humantime::format_duration(time.0));
        self.each_stays(of, &expected, time.0, |exchange, view| has_ended(exchange, view).then(|| how(view))).await
    }

    pub(super) async fn expect_end(&self, of: &str, ending: Ending, within: Option<Time>) -> Result<(), Miss> {
        let expected = match ending {
            Ending::Any => "the connection ends",
            Ending::Clean => "the response ends cleanly: with a complete body, or after a close frame",
        };
        self.each(of, expected, within, |exchange, view| {
            let is_clean = view.close_frame().is_some() || view.is_over();
            match (has_ended(exchange, view), ending) {
                (false, _) => Look::NotYet("it does not end".to_owned()),
                (true, Ending::Clean) if !is_clean => {
                    Look::Never(format!("{}, before the response was complete", how(view)))
                }
                (true, _) => Look::Met,
            }
        })
        .await
    }
}

/// Whether a client sees an end: of the connection, or of a stream that never ends by itself. The answer to a HEAD has no
/// body that could end.
fn has_ended(exchange: &Exchange, view: &View) -> bool {
    let is_stream_over = match exchange.endpoint {
        Endpoint::Sse => view.is_over() && exchange.method != "HEAD",
        Endpoint::Websocket => view.close_frame().is_some(),
        _ => false,
    };
    is_stream_over || view.received.ended.is_some()
}

fn how(view: &View) -> String {
    match no_more(view) {
        Some(why) => format!("{why} ({})", view.status_text()),
        None if view.close_frame().is_some() => "the server sent a close frame".to_owned(),
        None => format!("the body ended ({})", view.status_text()),
    }
}
