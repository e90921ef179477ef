//! The traffic of the server's sockets, counted in one place for every transport.
//!
//! A [`Socket`](crate::socket::Socket) counts its bytes for the endpoint that its connection is used for. The endpoint
//! is known only when a request has been read, so earlier bytes are kept and added then. Connections that never use an
//! endpoint (for `/stats`, say) are not counted: observing does not change what is observed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use feedlab_feed::Transport;
use feedlab_feed::stats::{ConnectionStats, EndpointStats};

use crate::accounts::{Accounts, Totals};
use feedlab_feed::tcp_info::Handle;

/// A counter or a gauge.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// The counters of one endpoint; see [`EndpointStats`] for what each means.
#[derive(Debug, Default)]
pub(crate) struct Endpoint {
    pub(crate) connections: Count,
    pub(crate) active: Count,
    pub(crate) requests: Count,
    pub(crate) requests_empty: Count,
    pub(crate) updates: Count,
    pub(crate) gaps: Count,
    pub(crate) resets: Count,
    pub(crate) conflated: Count,
    pub(crate) slow_disconnected: Count,
    pub(crate) bytes_out: Count,
    pub(crate) bytes_in: Count,
    /// Bytes in both directions before a stream took over its connection, including bodies.
    http_bytes: Count,
    /// Bytes of bodies: the part of `http_bytes` that is not headers.
    pub(crate) body_bytes: Count,
    pub(crate) payload_bytes: Count,
    pub(crate) keepalive_bytes: Count,
}

impl Endpoint {
    /// Counts a stream or held request until the returned guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Active {
        self.active.add(1);
        Active(self.clone())
    }

    fn stats(&self) -> EndpointStats {
        EndpointStats {
            connections: self.connections.get(),
            active: self.active.get(),
            requests: self.requests.get(),
            requests_empty: self.requests_empty.get(),
            updates: self.updates.get(),
            gaps: self.gaps.get(),
            resets: self.resets.get(),
            conflated: self.conflated.get(),
            slow_disconnected: self.slow_disconnected.get(),
            bytes_out: self.bytes_out.get(),
            bytes_in: self.bytes_in.get(),
            // A body is counted before it is written.
            header_bytes: self.http_bytes.get().saturating_sub(self.body_bytes.get()),
            payload_bytes: self.payload_bytes.get(),
            keepalive_bytes: self.keepalive_bytes.get(),
            wire: None,
        }
    }
}

/// A guard that counts a stream or a held request until it is dropped.
#[derive(Debug)]
pub(crate) struct Active(Arc<Endpoint>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.sub(1);
    }
}

/// The counters of the whole server.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    endpoints: [Arc<Endpoint>; Transport::ALL.len()],
    pub(crate) open: Count,
    pub(crate) accepted: Count,
    pub(crate) refused: Count,
    /// Requests that were refused because the server waited for too many bodies.
    pub(crate) bodies_refused: Count,
    accounts: Accounts,
}

impl Meters {
    pub(crate) fn endpoint(&self, transport: Transport) -> &Arc<Endpoint> {
        &self.endpoints[transport.index()]
    }

    /// The number of streams and held requests.
    pub(crate) fn waiting(&self) -> u64 {
        self.endpoints.iter().map(|endpoint| endpoint.active.get()).sum()
    }

    /// Returns the figures of every endpoint and of all connections, including the kernel's.
    pub(crate) fn stats(&self) -> (BTreeMap<Transport, EndpointStats>, ConnectionStats) {
        let Totals { endpoints: wire, kernel_bytes } = self.accounts.totals();
        let endpoint = |transport: Transport| EndpointStats {
            wire: wire.map(|wire| wire[transport.index()]),
            ..self.endpoint(transport).stats()
        };
        let endpoints = Transport::ALL.into_iter().map(|transport| (transport, endpoint(transport))).collect();
        let (open, accepted, refused) = (self.open.get(), self.accepted.get(), self.refused.get());
        (
            endpoints,
            ConnectionStats { open, accepted, refused, bodies_refused: self.bodies_refused.get(), kernel_bytes },
        )
    }
}

/// The counters of one connection.
#[derive(Debug)]
pub(crate) struct ConnectionMeter {
    meters: Arc<Meters>,
    /// The connection's key in the accounts.
    account: usize,
    /// The index of the endpoint; [`NO_ENDPOINT`] until a request names one.
    endpoint: AtomicU8,
    /// Whether a stream has taken over, so that the bytes are no longer HTTP.
    is_stream: AtomicBool,
    early_in: Count,
    early_out: Count,
}

const NO_ENDPOINT: u8 = u8::MAX;

impl ConnectionMeter {
    pub(crate) fn new(meters: Arc<Meters>, handle: Handle) -> Self {
        meters.open.add(1);
        meters.accepted.add(1);
        Self {
            account: meters.accounts.open(handle),
            meters,
            endpoint: AtomicU8::new(NO_ENDPOINT),
            is_stream: AtomicBool::new(false),
            early_in: Count::default(),
            early_out: Count::default(),
        }
    }

    /// A request on this connection is for an endpoint: from now on, the connection's traffic counts for that endpoint.
    pub(crate) fn count_for(&self, transport: Transport) -> &Arc<Endpoint> {
        let endpoint = self.meters.endpoint(transport);
        if self.endpoint.load(Ordering::Relaxed) == transport as u8 {
            return endpoint;
        }
        let before = self.endpoint.swap(transport as u8, Ordering::Relaxed);
        if before == NO_ENDPOINT {
            endpoint.connections.add(1);
        }
        self.meters.accounts.assign(self.account, transport);
        let (early_in, early_out) = (self.early_in.take(), self.early_out.take());
        endpoint.bytes_in.add(early_in);
        endpoint.bytes_out.add(early_out);
        endpoint.http_bytes.add(early_in + early_out);
        endpoint
    }

    /// From now on, the connection is a stream.
    pub(crate) fn taken_over(&self) {
        self.is_stream.store(true, Ordering::Relaxed);
    }

    /// Takes the final figures before the socket closes.
    pub(crate) fn closing(&self) {
        self.meters.accounts.close(self.account);
    }

    /// The endpoint of the last feed request.
    pub(crate) fn endpoint(&self) -> Option<&Arc<Endpoint>> {
        self.meters.endpoints.get(usize::from(self.endpoint.load(Ordering::Relaxed)))
    }

    /// Counts bytes that were read.
    pub(crate) fn read(&self, n: usize) {
        self.count(n as u64, |endpoint| &endpoint.bytes_in, &self.early_in);
    }

    /// Counts bytes that were written.
    pub(crate) fn wrote(&self, n: usize) {
        self.count(n as u64, |endpoint| &endpoint.bytes_out, &self.early_out);
    }

    fn count(&self, n: u64, counter: impl Fn(&Endpoint) -> &Count, early: &Count) {
        let Some(endpoint) = self.endpoint() else { return early.add(n) };
        counter(endpoint).add(n);
        if !self.is_stream.load(Ordering::Relaxed) {
            endpoint.http_bytes.add(n);
        }
    }
}

impl Drop for ConnectionMeter {
    fn drop(&mut self) {
        self.meters.open.sub(1);
    }
}
