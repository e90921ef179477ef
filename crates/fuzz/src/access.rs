//! What a request says about its sender, and the small texts of a feed's requests: cursors, holds, hosts, origins. Each
//! that is accepted reads back as it is shown.

use feedlab_feed::access::{Asked, Caller, Host, HostName, Names, Origin};
use feedlab_feed::settings::duration;
use feedlab_feed::{Cursor, Epoch, EventType};
use http::{HeaderName, HeaderValue, Request, Uri, Version};

pub(crate) fn run(input: &[u8]) {
    let lines: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    lines.iter().filter_map(|line| std::str::from_utf8(line).ok()).for_each(texts);
    let [version, target, fields @ ..] = lines.as_slice() else { return };
    let version = if version.starts_with(b"2") { Version::HTTP_2 } else { Version::HTTP_11 };
    if let Some(request) = request(version, target, fields) {
        let (plain, tls) = (Asked::read(&request, "http"), Asked::read(&request, "https"));
        assert_eq!(plain.is_ok(), tls.is_ok(), "the scheme decides whose page it is, not whether the head is valid");
        let own = |asked: &Result<Asked, _>| asked.as_ref().is_ok_and(|asked| asked.caller == Caller::OwnPage);
        assert!(!(own(&plain) && own(&tls)), "a page has one scheme");
    }
}

fn request(version: Version, target: &[u8], fields: &[&[u8]]) -> Option<Request<()>> {
    let mut request = Request::new(());
    *request.version_mut() = version;
    *request.uri_mut() = Uri::try_from(target).ok()?;
    for field in fields {
        let (name, value) = field.split_at(field.iter().position(|byte| *byte == b':')?);
        let value = HeaderValue::from_bytes(value[1..].trim_ascii()).ok()?;
        request.headers_mut().append(HeaderName::from_bytes(name).ok()?, value);
    }
    Some(request)
}

fn texts(text: &str) {
    reads_back::<Cursor>(text);
    reads_back::<Epoch>(text);
    reads_back::<Origin>(text);
    let _ = (EventType::new(text), duration::parse_fine(text));
    if let Err(error) = duration::parse(text) {
        assert!(!error.is_empty());
    }
    let names = Names::of_this_machine(text.parse::<HostName>().ok().as_slice());
    if let Some(host) = Host::read(text) {
        assert_eq!(Host::read(&host.to_string()).as_ref(), Some(&host));
        assert!(!host.is_this_machine() || names.contains(&host));
    }
}

/// Panics if a text is accepted, and what is shown of it then is not, or means something else.
fn reads_back<T: std::str::FromStr + std::fmt::Display + PartialEq + std::fmt::Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().ok().as_ref(), Some(&value), "{text:?}");
    }
}
