//! A request of the user's that publishes: how it is read, filled in and sent.

use std::time::Duration;

use serde_json::json;
use url::Url;

use super::{PublishError, answered};
use crate::target::{Request, Secrets, Target, encoded};

/// What stands for the update in a request.
const UPDATE: &str = "$UPDATE";

/// A request in which `$UPDATE` stands for the update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The method.
    pub method: String,
    /// The path and query on the server, or a whole URL.
    pub path: String,
    /// The body; empty if there is none.
    pub body: String,
    /// Header fields of its own; they replace those that every request to the server has.
    pub headers: Vec<(String, String)>,
}

impl Template {
    /// Reads a request such as `POST /messages {"text":"$UPDATE"}`.
    pub(super) fn read(text: &str) -> Result<Self, PublishError> {
        let refuse = || PublishError::Template(text.to_owned());
        let (method, rest) = text.trim().split_once(' ').ok_or_else(refuse)?;
        let (path, body) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_path = path.starts_with('/') || path.starts_with("http://") || path.starts_with("https://");
        let has_update = path.contains(UPDATE) || body.contains(UPDATE);
        if !is_method || !is_path || !has_update || path.contains(char::is_control) {
            return Err(refuse());
        }
        let (method, path, body) = (method.to_owned(), path.to_owned(), body.trim().to_owned());
        Ok(Self { method, path, body, headers: Vec::new() })
    }

    /// The method and the path, without the query.
    pub(super) fn line(&self) -> String {
        let path = Url::parse(&self.path).map_or_else(|_| self.path.clone(), |url| crate::target::shown(&url));
        format!("{} {}", self.method, path.split('?').next().unwrap_or_default())
    }

    /// The body with an update, which is escaped if the body is JSON.
    fn body(&self, update: &str) -> String {
        if self.body.starts_with(['{', '[', '"']) {
            let quoted = json!(update).to_string();
            return self.body.replace(UPDATE, &quoted[1..quoted.len() - 1]);
        }
        self.body.replace(UPDATE, update)
    }

    pub(super) async fn send(&self, target: &Target, update: &str, within: Duration) -> Result<(), PublishError> {
        let unanswered = |what: String| PublishError::Unanswered(self.line(), what);
        let base = target.base.join(&self.path.replace(UPDATE, &encoded(update)));
        let mut url = base.map_err(|error| unanswered(error.to_string()))?;
        if let Some(scheme) = url.scheme().strip_prefix("ws") {
            let scheme = format!("http{scheme}");
            let _ = url.set_scheme(&scheme);
        }
        let mut request = Request::new(&self.method, &url, "*/*");
        if !self.body.is_empty() {
            request.body(&self.body(update));
        }
        if is_same_server(&url, &target.base) {
            request.replace(&target.headers);
        }
        request.replace(&self.headers);
        let secrets = Secrets::of(&url, &self.headers);
        let shown = |text: &str| secrets.hide(&target.secrets.hide(text));
        answered(target, &url, &request, within, &self.line(), shown).await
    }
}

/// Credentials are for the server that they were given for, and no other.
fn is_same_server(a: &Url, b: &Url) -> bool {
    a.host_str() == b.host_str() && a.port_or_known_default() == b.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        Template::read(text).unwrap()
    }

    #[test]
    fn a_request_is_read() {
        let template = template("POST /messages {\"text\": \"$UPDATE\"}");
        assert_eq!(
            (&*template.method, &*template.path, &*template.body),
            ("POST", "/messages", "{\"text\": \"$UPDATE\"}")
        );
        assert_eq!(self::template("PUT /x?text=$UPDATE").body, "");
        assert_eq!(self::template("POST /m?key=s3cret $UPDATE").line(), "POST /m");
    }

    #[test]
    fn what_is_no_request_is_refused_with_an_example() {
        for text in ["", "POST", "POST /messages", "POST messages $UPDATE", "/messages $UPDATE", "post /m $UPDATE"] {
            let error = Template::read(text).unwrap_err().to_string();
            assert!(error.contains("'POST /PATH {\"text\":\"$UPDATE\"}'"), "{error}");
        }
    }

    #[test]
    fn an_update_is_escaped_in_json_and_nowhere_else() {
        assert_eq!(template("POST /m {\"text\":\"$UPDATE\"}").body("a\"b\n\\"), "{\"text\":\"a\\\"b\\n\\\\\"}");
        assert_eq!(template("POST /m $UPDATE").body("a\"b"), "a\"b");
    }

    #[test]
    fn credentials_go_to_the_judged_server_only() {
        let base: Url = "http://h:1/x".parse().unwrap();
        assert!(is_same_server(&"http://h:1/y".parse().unwrap(), &base));
        assert!(!is_same_server(&"http://h:2/y".parse().unwrap(), &base));
    }
}
