//! The additional headers of a client's requests, which identify it to the server. `watch`, `check` and `inspect` share
//! the flags.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use feedlab_experiment::scenario::Headers;
use feedlab_feed::Transport;
use feedlab_loadgen::transport::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue, ORIGIN};
use feedlab_loadgen::transport::{HeaderMap, Url, request_headers};
use percent_encoding::percent_decode_str;

/// The flags of requests. They are parsed here and not by clap, whose error message would repeat a wrong value, and
/// perhaps a secret with it.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Identity {
    /// Also send this header (repeatable)
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,

    /// Send these cookies, as in 'session=abc; lang=en'
    #[arg(long, value_name = "COOKIES")]
    cookie: Option<String>,

    /// Send this Origin header, as its pages would
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,

    /// Send the headers of a browser, which also accept compressed responses
    #[arg(long = "as", value_name = "WHO", value_parser = ["browser"])]
    who: Option<String>,

    /// The server's token
    #[arg(long, env = "FEEDLAB_TOKEN", hide_env_values = true)]
    token: Option<String>,

    /// Send the bearer token in this environment variable, instead of --token
    #[arg(long, value_name = "NAME")]
    bearer_env: Option<String>,
}

/// Headers that the connection or the transport sets.
const MADE: [&str; 8] = [
    "connection",
    "content-length",
    "host",
    "last-event-id",
    "te",
    "transfer-encoding",
    "upgrade",
    "sec-websocket-key",
];
/// Headers that an event stream sets (WHATWG HTML, section 9.2.2).
const MADE_BY_SSE: [&str; 2] = ["accept", "cache-control"];

/// Returns the headers: those of a browser, the token, the URL's user and password (which are removed from it), and
/// those of the flags. Later ones override earlier ones.
pub(crate) fn headers(flags: &Identity, transport: Transport, url: &mut Url) -> anyhow::Result<HeaderMap> {
    let profile = if flags.who.is_some() { Headers::Browser } else { Headers::Bare };
    let mut headers = request_headers(profile, transport, &url.origin().ascii_serialization());
    if let Some(token) = token(flags)? {
        headers.insert(AUTHORIZATION, value("the token", &format!("Bearer {token}"))?);
    }
    if let Some(basic) = take_user(url)? {
        headers.insert(AUTHORIZATION, basic);
    }
    if let Some(cookie) = &flags.cookie {
        headers.insert(COOKIE, value("--cookie", cookie)?);
    }
    if let Some(origin) = &flags.origin {
        headers.insert(ORIGIN, value("--origin", origin)?);
    }
    let own =
        flags.header.iter().map(|text| header("--header", text, transport)).collect::<anyhow::Result<Vec<_>>>()?;
    for (name, _) in &own {
        headers.remove(name);
    }
    for (name, value) in own {
        headers.append(name, value);
    }
    Ok(headers)
}

/// Returns the token. The error does not repeat the name: it may be a token that was given in its place.
fn token(flags: &Identity) -> anyhow::Result<Option<String>> {
    let Some(name) = &flags.bearer_env else { return Ok(flags.token.clone()) };
    let token = std::env::var(name).ok().filter(|token| !token.is_empty());
    token.map(Some).context(
        "--bearer-env takes the name of an environment variable, and no variable of that name is set: export it first",
    )
}

/// Parses the header of a flag. The error repeats no value, which may be secret.
pub(crate) fn header(flag: &str, text: &str, transport: Transport) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let (name, text) = text.split_once(':').with_context(|| format!("write {flag} as 'Name: value'"))?;
    let name: HeaderName =
        name.trim().parse().with_context(|| format!("write {flag} as 'Name: value', where the name is one word"))?;
    let is_made =
        MADE.contains(&name.as_str()) || (transport == Transport::Sse && MADE_BY_SSE.contains(&name.as_str()));
    anyhow::ensure!(!is_made, "{name} is set by the connection itself, over {transport}: omit it");
    let value = value(name.as_str(), text.trim())?;
    Ok((name, value))
}

fn value(what: &str, text: &str) -> anyhow::Result<HeaderValue> {
    text.parse().map_err(|_| anyhow::anyhow!("{what} has characters that are not allowed in a header"))
}

/// Removes the user and password from the URL, and returns them as an HTTP Basic header (RFC 7617, section 2).
fn take_user(url: &mut Url) -> anyhow::Result<Option<HeaderValue>> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let user: Vec<u8> = percent_decode_str(url.username()).collect();
    anyhow::ensure!(
        !user.contains(&b':'),
        "the user name in the URL contains a colon, which HTTP Basic does not allow"
    );
    let password = percent_decode_str(url.password().unwrap_or_default());
    let both: Vec<u8> = user.into_iter().chain([b':']).chain(password).collect();
    // These fail only for a URL without a host, which has no user.
    let _ = (url.set_username(""), url.set_password(None));
    Ok(Some(value("the user in the URL", &format!("Basic {}", BASE64.encode(both)))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, flags: &Identity, transport: Transport) -> Result<(String, HeaderMap), String> {
        let mut url = url.parse().unwrap();
        let headers = headers(flags, transport, &mut url).map_err(|error| format!("{error:#}"))?;
        Ok((url.to_string(), headers))
    }

    #[test]
    fn f15_user_and_password_are_sent_and_leave_the_url() {
        let flags = Identity { token: Some("t".into()), ..Identity::default() };
        for (url, value) in [
            // The example of RFC 7617, section 2.
            ("http://Aladdin:open%20sesame@h/x?y=1", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
            ("http://user@h/x?y=1", "Basic dXNlcjo="),
            ("http://h/x?y=1", "Bearer t"),
        ] {
            let (url, headers) = check(url, &flags, Transport::Sse).unwrap();
            assert_eq!((url.as_str(), headers[AUTHORIZATION].as_bytes()), ("http://h/x?y=1", value.as_bytes()));
        }
        assert!(check("http://a%3Ab:pw@h/", &flags, Transport::Sse).unwrap_err().contains("colon"));
    }

    #[test]
    fn a_token_is_read_from_the_environment() {
        let flags =
            |name: &str| Identity { token: Some("t".into()), bearer_env: Some(name.into()), ..Identity::default() };
        // Cargo sets it for every test.
        let (_, headers) = check("http://h/", &flags("CARGO_PKG_NAME"), Transport::Sse).unwrap();
        assert_eq!(headers[AUTHORIZATION].as_bytes(), b"Bearer feedlab");
        for name in ["s3cret", "", "a=s3cret", "\0"] {
            let error = check("http://h/", &flags(name), Transport::Sse).unwrap_err();
            assert!(error.contains("export it first") && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn h7_flags_override_a_browsers_headers() {
        let header = ["User-Agent: mine", "X-Two: 1", "X-Two: 2"].map(str::to_owned).to_vec();
        let (cookie, origin) = (Some("a=b; c=d".to_owned()), Some("https://example.org".to_owned()));
        let flags = Identity { header, cookie, origin, who: Some("browser".into()), ..Identity::default() };
        let (_, headers) = check("https://h/", &flags, Transport::WebSocket).unwrap();
        let all = |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!((all("user-agent"), all("x-two")), (vec!["mine"], vec!["1", "2"]));
        assert_eq!((all("cookie"), all("origin")), (vec!["a=b; c=d"], vec!["https://example.org"]));
        assert_eq!(all("accept-encoding"), ["gzip, deflate, br, zstd"]);
        assert!(check("https://h/", &Identity::default(), Transport::Sse).unwrap().1.is_empty());
    }

    #[test]
    fn h7_a_wrong_header_is_rejected_and_not_repeated() {
        for (text, needle) in [
            ("s3cret", "'Name: value'"),
            ("s3 cret: x", "'Name: value'"),
            ("X: s3\ncret", "x has characters"),
            ("Host: s3cret", "host is set by the connection itself"),
            ("Accept: s3cret", "accept is set"),
        ] {
            let flags = Identity { header: vec![text.to_owned()], ..Identity::default() };
            let error = check("http://h/", &flags, Transport::Sse).unwrap_err();
            assert!(error.contains(needle) && !error.contains("cret"), "{text}: {error}");
        }
    }
}
