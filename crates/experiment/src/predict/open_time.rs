//! How long a client waits until its endpoint is open (E09): the round trips of TCP, TLS, and the request or upgrade,
//! which are the same for every transport. Without network delay only the machine's own time remains, and nothing is
//! predicted.

use super::model::Case;
use super::transport::Arithmetic;
use crate::Metric;
use crate::scenario::Connections;

/// Returns the predictions for a new connection. The lab proxy delays the first bytes by TCP's round trip, so that it
/// is part of the TLS handshake, or without TLS of the request, and the connect itself takes no time. Over a link, it is
/// the connect that takes it.
pub(super) fn metrics(case: &Case<'_>, arithmetic: &dyn Arithmetic) -> Vec<(Metric, f64)> {
    let Case { scenario, contender, path, .. } = *case;
    if !path.has_delay() || contender.is_auto() || !arithmetic.requests_immediately(&contender.link) {
        return Vec::new();
    }
    let is_link = scenario.link.is_some();
    let connect = is_link.then(|| (Metric::ConnectP50, path.mean_round_trip()));
    let tls = if is_link { path.mean_round_trip() } else { path.handshake_time() };
    let tls = path.tls.then_some((Metric::TlsP50, tls));
    let request = if path.tls || is_link { path.mean_round_trip() } else { path.open_time() };
    let mut all = vec![(Metric::FirstUpdateP50, path.open_time())];
    // Clients that share a connection find it open; join probes open their own.
    if contender.link.connections == Connections::PerClient {
        all.extend(connect);
        all.extend(tls);
        all.extend([(Metric::RequestP50, request), (Metric::OpenP50, path.open_time())]);
    }
    all.into_iter().map(|(metric, time)| (metric, time * 1e6)).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feedlab_feed::link::Emulation;

    use super::super::model::NetworkPath;
    use super::super::tests::contender;
    use super::super::transport;
    use super::*;
    use crate::fixture;
    use crate::scenario::{Contender, EmulatedLink, Link, Options};

    #[test]
    fn an_endpoint_is_open_after_two_round_trips_and_with_tls_after_three() {
        let sse = contender(Options::Sse { keepalive: Duration::from_secs(15) });
        let scenario = fixture::scenario();
        let far = |tls| NetworkPath { rtt: 0.1, jitter: 0.0, tls };
        let all = |contender: &Contender, path: NetworkPath| {
            metrics(&Case { scenario: &scenario, contender, clients: 1.0, path }, &*transport::of(&contender.options))
        };
        let of = |contender: &Contender, path: NetworkPath, metric| {
            let found = all(contender, path);
            found.iter().find(|(found, _)| *found == metric).map(|(_, value)| (value / 1e3).round())
        };
        let encrypted = Contender { link: Link { tls: true, ..Link::default() }, ..sse.clone() };
        assert_eq!(of(&sse, far(false), Metric::OpenP50), Some(200.0));
        assert_eq!(of(&sse, far(false), Metric::RequestP50), Some(200.0));
        assert_eq!(of(&sse, far(false), Metric::TlsP50), None);
        assert_eq!(of(&encrypted, far(true), Metric::OpenP50), Some(300.0));
        assert_eq!(of(&encrypted, far(true), Metric::TlsP50), Some(200.0));
        assert_eq!(of(&encrypted, far(true), Metric::RequestP50), Some(100.0));
        assert_eq!(of(&encrypted, far(true), Metric::FirstUpdateP50), Some(300.0));
        assert_eq!(all(&sse, NetworkPath::default()), [], "on loopback, only the machine takes time");
    }

    #[test]
    fn over_a_link_each_step_takes_its_own_round_trip() {
        let contender = Contender {
            link: Link { tls: true, ..Link::default() },
            ..contender(Options::Sse { keepalive: Duration::from_secs(15) })
        };
        let mut scenario = fixture::scenario();
        scenario.link = Some(EmulatedLink { emulation: Emulation::default(), congestion: None });
        let path = NetworkPath { rtt: 0.1, jitter: 0.0, tls: true };
        let case = Case { scenario: &scenario, contender: &contender, clients: 1.0, path };
        let mut found = metrics(&case, &*transport::of(&contender.options));
        found.sort_by_key(|(metric, _)| *metric);
        let ms: Vec<_> = found.iter().map(|(metric, us)| (*metric, (us / 1e3).round())).collect();
        let expected = [
            (Metric::ConnectP50, 100.0),
            (Metric::TlsP50, 100.0),
            (Metric::RequestP50, 100.0),
            (Metric::OpenP50, 300.0),
            (Metric::FirstUpdateP50, 300.0),
        ];
        assert_eq!(ms, expected);
    }
}
