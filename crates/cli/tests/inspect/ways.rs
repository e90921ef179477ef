//! Eight ways to put nginx in front of a stream. For each, `inspect` has to find the fault, and what it says is to be
//! changed is changed to the letter: then the fault has to be gone.

use std::net::SocketAddr;
use std::time::Duration;

use super::application::{Application, Feed, PLAIN, QUIET, STEADY};
use super::nginx::{Nginx, Site, installed};
use super::{Inspected, Job, all_at_once, application, inspect};

/// The address in the examples of a fix.
const EXAMPLE: &str = "127.0.0.1:3000";
const STREAMING: [&str; 2] = ["proxy_http_version 1.1;", "proxy_buffering off;"];

/// A stream behind nginx.
struct Way {
    name: &'static str,
    application: Application,
    /// nginx's configuration, for the application's address.
    site: fn(SocketAddr) -> Site,
    /// Flags of `inspect`.
    flags: &'static [&'static str],
    /// Whether it also looks at the application itself.
    is_compared: bool,
    /// The finding.
    id: &'static str,
    mark: &'static str,
    evidence: &'static str,
    /// Each is enough.
    remedies: &'static [Remedy],
}

/// Changes that a fix names.
#[derive(Clone, Copy)]
struct Remedy {
    changes: &'static [Change],
    /// Flags of the inspection that shows it.
    flags: &'static [&'static str],
    /// What it still warns of then.
    warnings: &'static [&'static str],
}

/// A change that a fix names, in its own words.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// A directive of the location.
    Location(&'static str),
    /// What follows the address in `listen`.
    Listen(&'static str),
    /// A header that the application sends.
    Header(&'static str),
    /// A comment that the application sends when it has been silent for a while.
    Comment(&'static str, Duration),
}

impl Change {
    /// Changes the application, if that is where the change belongs.
    fn change(self, application: &mut Application) {
        let Application::Plain(feed) = application else { return };
        match self {
            Self::Header(header) => feed.header = header,
            Self::Comment(_, after) => feed.comment_after = Some(after),
            Self::Location(_) | Self::Listen(_) => {}
        }
    }

    /// Changes nginx's configuration, if that is where the change belongs.
    fn configure(self, site: &mut Site, to: SocketAddr) {
        match self {
            Self::Location(directive) => site.set(&directive.replace(EXAMPLE, &to.to_string())),
            Self::Listen(directive) => {
                let options = directive.trim_start_matches("listen 443 ").trim_end_matches(';');
                options.clone_into(&mut site.listen);
            }
            Self::Header(_) | Self::Comment(..) => {}
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Location(words) | Self::Listen(words) | Self::Header(words) | Self::Comment(words, _) => words,
        }
    }
}

impl Way {
    /// Inspects it as it is, and then after each remedy.
    fn check(&self, nginx: &'static str) {
        let before = self.inspect(nginx, &[], self.flags);
        before.expect(self.id, self.mark, self.evidence);
        assert_eq!(before.status, Some(if self.mark == "bad" { 3 } else { 0 }), "{before}");
        assert!(!self.remedies.is_empty() || before.alarms().is_empty(), "{before}");
        let fix = before.fix(self.id);
        std::thread::scope(|scope| {
            for remedy in self.remedies {
                scope.spawn(|| self.check_remedy(nginx, &fix, remedy));
            }
        });
    }

    fn check_remedy(&self, nginx: &'static str, fix: &str, remedy: &Remedy) {
        for change in remedy.changes {
            assert!(fix.contains(change.words()), "{}: the fix does not say {change:?}:\n{fix}", self.name);
        }
        let after = self.inspect(nginx, remedy.changes, remedy.flags);
        after.expect(self.id, "good", "");
        assert_eq!(after.alarms(), remedy.warnings, "{}, {:?}: {after}", self.name, remedy.changes);
        assert_eq!(after.status, Some(0), "{}: {after}", self.name);
    }

    fn inspect(&self, nginx: &str, changes: &[Change], flags: &[&str]) -> Inspected {
        let mut application = self.application;
        changes.iter().for_each(|change| change.change(&mut application));
        let running = application.start();
        let mut site = (self.site)(running.address);
        changes.iter().for_each(|change| change.configure(&mut site, running.address));
        let nginx = Nginx::start(nginx, &site);
        let scheme = if site.listen.contains("ssl") { "https" } else { "http" };
        let url = format!("{scheme}://{}{}{}", nginx.address(), site.path.trim_end_matches('/'), application.path());
        let direct = format!("http://{}{}", running.address, application.path());
        let more: &[&str] = if self.is_compared { &["--direct", &direct] } else { &[] };
        inspect(&url, &[flags, more].concat())
    }
}

const SHORT: &[&str] = &["--for", "6s"];
const OFF: Remedy = Remedy { changes: &[Change::Location("proxy_buffering off;")], flags: SHORT, warnings: &[] };

/// Configured for streaming: the only one in which nothing is to be changed.
const STREAMING_WAY: Way = Way {
    name: "streaming",
    application: PLAIN,
    site: |to| Site::of(to, &STREAMING),
    flags: SHORT,
    is_compared: false,
    id: "buffering",
    mark: "good",
    evidence: "not held back",
    remedies: &[],
};

/// Nothing but `proxy_pass`: nginx buffers, unless the application forbids it.
const DEFAULT: Way = Way {
    name: "default",
    site: |to| Site::of(to, &[]),
    mark: "bad",
    evidence: "bursts",
    remedies: &[OFF, Remedy { changes: &[Change::Header("X-Accel-Buffering: no")], ..OFF }],
    ..STREAMING_WAY
};

/// HTTP/1.0 to the application, and a proxy that buffers whatever the application says.
const BUFFERING: Way = Way {
    name: "buffering over HTTP/1.0",
    application: Application::Serve(&["--feed", "synthetic", "--rate", "10"]),
    site: |to| {
        let directives = ["proxy_http_version 1.0;", "proxy_buffering on;", "proxy_ignore_headers X-Accel-Buffering;"];
        Site::of(to, &directives)
    },
    mark: "bad",
    evidence: "bursts",
    remedies: &[OFF],
    ..STREAMING_WAY
};

/// Compression of event streams, which is not flushed as long as nginx buffers. Only browsers ask for it: without, the
/// same stream is right.
const GZIP: Way = Way {
    name: "gzip on",
    application: Application::Plain(Feed { is_chunked: true, ..STEADY }),
    site: |to| Site::of(to, &["proxy_http_version 1.1;", "gzip on;", "gzip_types text/event-stream;"]),
    is_compared: true,
    id: "compression",
    mark: "bad",
    evidence: "curl looks fine, browsers hang",
    remedies: &[Remedy { changes: &[Change::Location("gzip off;")], ..OFF }, OFF],
    ..STREAMING_WAY
};

/// A proxy that closes what is silent for 5 s.
const READ_TIMEOUT: Way = Way {
    name: "5 s read timeout",
    application: Application::Plain(QUIET),
    site: |to| Site::of(to, &["proxy_buffering off;", "proxy_read_timeout 5s;"]),
    flags: &["--for", "14s"],
    id: "idle-timeout",
    mark: "bad",
    evidence: "2 of 2 times",
    remedies: &[
        Remedy {
            changes: &[Change::Comment("a comment after 2.5 s of silence", Duration::from_secs(2))],
            flags: &["--for", "8s"],
            warnings: &[],
        },
        // It takes half a minute of silence to believe that nothing is cut; that nobody notices who left remains.
        Remedy {
            changes: &[Change::Location("proxy_read_timeout 1h;")],
            flags: &["--for", "32s"],
            warnings: &["keepalive"],
        },
    ],
    ..STREAMING_WAY
};

/// A path prefix that the application does not know.
const PREFIX: Way = Way {
    name: "path prefix",
    site: |to| Site { path: "/app/".to_owned(), ..Site::of(to, &STREAMING) },
    id: "status",
    mark: "bad",
    evidence: "404",
    remedies: &[Remedy { changes: &[Change::Location("proxy_pass http://127.0.0.1:3000/;")], ..OFF }],
    ..STREAMING_WAY
};

/// TLS without HTTP/2: a browser has six connections for all its tabs.
const TLS: Way = Way {
    name: "TLS and HTTP/2",
    site: |to| Site { listen: "ssl".to_owned(), ..Site::of(to, &STREAMING) },
    flags: &["--for", "4s", "--insecure"],
    id: "six-connections",
    mark: "warn",
    evidence: "only HTTP/1.1 (ALPN: no h2)",
    remedies: &[Remedy {
        changes: &[Change::Listen("listen 443 ssl http2;")],
        flags: &["--for", "4s", "--insecure"],
        warnings: &[],
    }],
    ..STREAMING_WAY
};

/// A deployment: the old server answers 503, the new one is up, and nginx does not go on to it.
const UNAVAILABLE: Way = Way {
    name: "503",
    application: Application::Plain(Feed { is_draining: true, ..STEADY }),
    site: |old| {
        let new = application::start(STEADY);
        let http = format!("upstream application {{ server {old}; server {new} backup; }}");
        let mut site = Site { http, ..Site::of(old, &STREAMING) };
        site.set("proxy_pass http://application;");
        site
    },
    id: "status",
    mark: "bad",
    evidence: "503",
    remedies: &[Remedy { changes: &[Change::Location("proxy_next_upstream error timeout http_503;")], ..OFF }],
    ..STREAMING_WAY
};

#[test]
fn in_eight_ways_the_fault_is_named_and_its_fix_repairs_it() {
    let Some(nginx) = installed() else { return };
    let ways = [STREAMING_WAY, DEFAULT, BUFFERING, GZIP, READ_TIMEOUT, PREFIX, TLS, UNAVAILABLE];
    let job = |way: Way| -> Job { (way.name, Box::new(move || way.check(nginx))) };
    all_at_once(ways.map(job).into());
}
