//! Connections that are open and idle, of which the script asks what the server needs for each.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::connect::{self, Stream, Target};
use crate::polls;

/// What an idle connection is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Kind {
    /// An event stream
    Sse,
    /// A WebSocket
    Websocket,
    /// A long poll that waits
    LongPoll,
    /// A connection between two short polls
    Poll,
    /// An event stream over TLS
    SseTls,
    /// HTTP/2 with one event stream, without TLS
    Http2,
}

/// A connection that stays open until it is dropped.
#[derive(Debug)]
pub enum Held {
    /// Plain TCP.
    Plain(TcpStream),
    /// TLS.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// Opens connections of one kind.
#[derive(Debug)]
pub struct Opener {
    kind: Kind,
    target: Target,
    tls: Option<Arc<ClientConfig>>,
}

impl Opener {
    /// Reads the certificate, which only TLS needs.
    pub fn new(kind: Kind, target: Target, certificate: Option<&Path>) -> Result<Self> {
        let tls = certificate.map(trust).transpose()?;
        ensure!(kind != Kind::SseTls || tls.is_some(), "TLS needs --certificate FILE");
        Ok(Self { kind, target, tls })
    }

    /// Opens one, and waits until it is idle.
    pub fn open(&self, index: usize) -> Result<Held> {
        let target = &self.target;
        let mut connection = target.connect(index)?;
        match self.kind {
            Kind::Sse => target.open_on(&mut connection, Stream::Sse)?,
            Kind::Websocket => target.open_on(&mut connection, Stream::Websocket)?,
            Kind::LongPoll => polls::park(target, &mut connection)?,
            Kind::Poll => {
                connection.write_all(&target.get(&target.path, &[]))?;
                connect::head(&mut connection)?;
            }
            Kind::SseTls => return self.open_tls(connection),
            Kind::Http2 => open_http2(target, &mut connection)?,
        }
        Ok(Held::Plain(connection))
    }

    fn open_tls(&self, connection: TcpStream) -> Result<Held> {
        let config = Arc::clone(self.tls.as_ref().context("TLS needs --certificate FILE")?);
        let client = ClientConnection::new(config, ServerName::from(self.target.addr.ip()))?;
        let mut connection = StreamOwned::new(client, connection);
        self.target.open_on(&mut connection, Stream::Sse)?;
        Ok(Held::Tls(Box::new(connection)))
    }
}

fn trust(certificate: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).with_context(|| certificate.display().to_string())?)?;
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

/// The frames of RFC 9113, section 6, that this needs.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
/// ACK of SETTINGS, and `END_STREAM` of HEADERS.
const FLAG_1: u8 = 1;
const END_HEADERS: u8 = 4;

/// Requests one event stream over HTTP/2, with prior knowledge, and waits for the first bytes of its body.
fn open_http2(target: &Target, connection: &mut (impl Read + Write)) -> Result<()> {
    // HPACK (RFC 7541, appendix A): 2 is `:method: GET`, 6 `:scheme: http`, 4 and 1 the names of `:path` and `:authority`.
    let mut fields = vec![0x82, 0x86];
    for (name, value) in [(4, target.path.clone()), (1, target.addr.to_string())] {
        ensure!(value.len() < 127, "`{value}` is too long for a length of one byte");
        fields.extend([name, u8::try_from(value.len())?]);
        fields.extend(value.bytes());
    }
    let mut request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    request.extend(frame(SETTINGS, 0, 0, &[])?);
    request.extend(frame(HEADERS, FLAG_1 | END_HEADERS, 1, &fields)?);
    connection.write_all(&request)?;
    loop {
        let mut head = [0; 9];
        connection.read_exact(&mut head).context("reading a frame")?;
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        connection.read_exact(&mut payload).context("reading a frame")?;
        match head[3] {
            DATA => return Ok(()),
            SETTINGS if head[4] & FLAG_1 == 0 => connection.write_all(&frame(SETTINGS, FLAG_1, 0, &[])?)?,
            3 | 7 => bail!("the server refused the stream (frame type {})", head[3]),
            _ => {}
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Result<Vec<u8>> {
    let mut frame = vec![0, 0, u8::try_from(payload.len())?, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    Ok(frame)
}
