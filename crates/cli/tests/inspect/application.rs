//! The applications whose streams are inspected: `feedlab serve`, and one that is as simple as a tutorial's.
//!
//! The simple one has an event stream at `/events`. It sends no header that a proxy obeys unless a test asks for it, so that
//! only the proxy's configuration decides what happens to the stream.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use feedlab_feed::clock;
use feedlab_testkit::Feedlab;

/// An application.
#[derive(Clone, Copy)]
pub(crate) enum Application {
    /// The simple one, at `/events`.
    Plain(Feed),
    /// `feedlab serve` with these arguments, which sends `X-Accel-Buffering: no`.
    Serve(&'static [&'static str]),
}

/// A running application.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    _server: Option<Feedlab>,
}

impl Application {
    /// Starts it on a free port.
    pub(crate) fn start(self) -> Running {
        match self {
            Self::Plain(feed) => Running { address: start(feed), _server: None },
            Self::Serve(arguments) => {
                let server = Feedlab::run(assert_cmd::cargo::cargo_bin!("feedlab"), &[&["serve"], arguments].concat());
                Running { address: server.address(), _server: Some(server) }
            }
        }
    }

    /// Where its event stream is.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Plain(_) => "/events",
            Self::Serve(_) => "/feed/sse",
        }
    }
}

/// What the simple application publishes, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feed {
    /// The time between two events.
    pub(crate) every: Duration,
    /// How many of them are published together, as often.
    pub(crate) burst: u32,
    /// The size of an event's data, bytes.
    pub(crate) bytes: usize,
    /// Whether the data says when the event happened.
    pub(crate) is_stamped: bool,
    /// How long it may be silent before it sends a comment.
    pub(crate) comment_after: Option<Duration>,
    /// A header of its answer, beyond those of any event stream.
    pub(crate) header: &'static str,
    /// Whether its body comes in chunks, as Node's and Go's do, which nginx forwards as they come unless it compresses.
    pub(crate) is_chunked: bool,
    /// Whether it is about to be replaced, and answers 503.
    pub(crate) is_draining: bool,
}

/// Ten events a second, of which a buffer of 4 KiB holds those of one second.
pub(crate) const STEADY: Feed = Feed {
    every: Duration::from_millis(100),
    burst: 1,
    bytes: 360,
    is_stamped: true,
    comment_after: None,
    header: "",
    is_chunked: false,
    is_draining: false,
};

pub(crate) const PLAIN: Application = Application::Plain(STEADY);

/// Nothing happens for longer than a test takes.
pub(crate) const QUIET: Feed = Feed { every: Duration::from_secs(3_600), ..STEADY };

/// Starts the simple application on a free port, until the tests are over.
pub(crate) fn start(feed: Feed) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let history = History { feed, began: clock::now(), began_unix_ms: clock::unix_us() / 1_000 };
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            // A client that has left ends its thread at the next write.
            thread::spawn(move || history.answer(client));
        }
    });
    address
}

/// All events of a feed, past and future: the n-th is always the same.
#[derive(Clone, Copy)]
struct History {
    feed: Feed,
    began: Instant,
    began_unix_ms: u64,
}

impl History {
    /// When an event happens, after the beginning.
    fn due(&self, n: u32) -> Duration {
        self.feed.every * (n - n % self.feed.burst)
    }

    fn event(&self, n: u32) -> String {
        let at = u128::from(self.began_unix_ms) + self.due(n).as_millis();
        let stamp = if self.feed.is_stamped { format!(r#""at":{at},"#) } else { String::new() };
        let text = "x".repeat(self.feed.bytes);
        format!("id: {n}\ndata: {{\"n\":{n},{stamp}\"text\":\"{text}\"}}\n\n")
    }

    /// The number of the first event that has not happened yet.
    fn next(&self) -> u32 {
        let elapsed = clock::now() - self.began;
        let happened = elapsed.as_millis() / self.feed.every.as_millis();
        let next = u32::try_from(happened).unwrap_or(u32::MAX) + 1;
        next.next_multiple_of(self.feed.burst)
    }

    fn answer(self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let Request { is_head, path, last_event_id } = Request::read(&client)?;
        let refused = |status: &str| format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        if self.feed.is_draining {
            return client.write_all(refused("503 Service Unavailable").as_bytes());
        }
        if path != "/events" {
            return client.write_all(refused("404 Not Found").as_bytes());
        }
        let chunked = if self.feed.is_chunked { "Transfer-Encoding: chunked" } else { "" };
        let fixed =
            ["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Cache-Control: no-cache", "Connection: close"];
        let lines = fixed.into_iter().chain([chunked, self.feed.header]).filter(|line| !line.is_empty());
        let head: String = lines.map(|line| format!("{line}\r\n")).collect();
        client.write_all(format!("{head}\r\n").as_bytes())?;
        if is_head { Ok(()) } else { self.stream(&client, last_event_id.map_or_else(|| self.next(), |id| id + 1)) }
    }

    fn stream(self, client: &TcpStream, from: u32) -> io::Result<()> {
        for n in from.. {
            while let Some(wait) = self.due(n).checked_sub(clock::now() - self.began).filter(|wait| !wait.is_zero()) {
                match self.feed.comment_after.filter(|after| *after < wait) {
                    Some(after) => {
                        thread::sleep(after);
                        self.write(client, ":\n\n")?;
                    }
                    None => thread::sleep(wait),
                }
            }
            self.write(client, &self.event(n))?;
        }
        Ok(())
    }

    fn write(&self, mut client: &TcpStream, text: &str) -> io::Result<()> {
        if self.feed.is_chunked {
            client.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
        } else {
            client.write_all(text.as_bytes())
        }
    }
}

struct Request {
    is_head: bool,
    path: String,
    last_event_id: Option<u32>,
}

impl Request {
    fn read(client: &TcpStream) -> io::Result<Self> {
        let mut lines = BufReader::new(client).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut request = Self { is_head: first.starts_with("HEAD "), path, last_event_id: None };
        for line in lines {
            let line = line?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(id) = line.strip_prefix("last-event-id:") {
                request.last_event_id = id.trim().parse().ok();
            }
        }
        Ok(request)
    }
}
