//! The request that a broken server gets in place of the client's.

use super::Fault;

/// The head of a request, as lines.
pub(super) struct Request {
    pub(super) lines: Vec<String>,
}

impl Request {
    pub(super) fn new(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head).ok()?;
        Some(Self { lines: text.strip_suffix("\r\n\r\n")?.split("\r\n").map(str::to_owned).collect() })
    }

    pub(super) fn is_for(&self, path: &str) -> bool {
        self.lines[0].starts_with(&format!("GET {path}"))
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.lines[1..].iter().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Returns the head that the server gets.
    pub(super) fn changed(mut self, fault: Fault, reframed: bool) -> Vec<u8> {
        if fault == Fault::LostBetweenPolls && self.is_for("/feed/long-poll") && !self.lines[0].contains("hold=0") {
            self.without_query("after");
        }
        if fault == Fault::AcceptsAnyCursor && self.is_for("/feed/poll") && !self.has_cursor() {
            self.without_query("after");
        }
        if fault == Fault::NoContentLoop && self.is_for("/feed/long-poll") {
            self.without_query("hold");
            self.lines[0] = self.lines[0].replacen("/feed/long-poll?", "/feed/long-poll?hold=0s&", 1);
        }
        if fault == Fault::DoubledAfterResume && self.is_for("/feed/sse") {
            self.lines.iter_mut().for_each(|line| *line = one_before(line));
        }
        if reframed {
            self.lines[0] = self.lines[0].replace("HTTP/1.1", "HTTP/1.0");
        }
        (self.lines.join("\r\n") + "\r\n\r\n").into_bytes()
    }

    /// Whether `after` is absent or begins as a cursor does.
    pub(super) fn has_cursor(&self) -> bool {
        let Some((_, after)) = self.lines[0].split_once("after=") else { return true };
        let cursor = after.split(['&', ' ']).next().unwrap_or_default();
        let seq = cursor.rsplit('.').next().unwrap_or_default();
        !seq.is_empty() && seq.bytes().all(|byte| byte.is_ascii_digit())
    }

    pub(super) fn without_query(&mut self, name: &str) {
        let mut parts = self.lines[0].splitn(3, ' ');
        let (method, target, version) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
        self.lines[0] = format!("{method} {path}?{} {version}", kept.join("&"));
    }
}

/// Returns a `Last-Event-ID` field with the id before; other lines as they are.
fn one_before(line: &str) -> String {
    let earlier = || {
        let (name, cursor) = line.split_once(": ")?;
        let (epoch, seq) = cursor.split_once('.')?;
        let seq: u64 = seq.parse().ok()?;
        name.eq_ignore_ascii_case("last-event-id").then(|| format!("{name}: {epoch}.{}", seq.saturating_sub(1)))
    };
    earlier().unwrap_or_else(|| line.to_owned())
}
