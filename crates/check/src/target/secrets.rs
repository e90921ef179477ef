//! What a report must not show: credentials of the user, wherever they appear.

use url::Url;

/// Shown instead of a secret.
const HIDDEN: &str = "…";

/// The shortest value that is looked for everywhere, characters. Shorter ones would also be found where they mean
/// nothing; they are hidden in their own field or parameter.
const SHORTEST: usize = 6;

/// Header fields whose values are never shown.
const FIELDS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// Header fields whose values are no credentials: they are hidden in their own field, and stay elsewhere.
const PUBLIC: [&str; 7] = ["accept", "cache-control", "origin", "pragma", "priority", "user-agent", "sec-"];

/// The values that are not shown.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// Names of header fields, in lower case.
    fields: Vec<String>,
    /// Query parameters as they are sent, with the names under which they are shown.
    parameters: Vec<(String, String)>,
    /// Texts that are hidden wherever they are, longest first.
    values: Vec<String>,
}

impl Secrets {
    /// The secrets in a URL and in header fields that a user gave.
    #[must_use]
    pub fn of(url: &Url, headers: &[(String, String)]) -> Self {
        let given = headers.iter().map(|(name, _)| name.to_ascii_lowercase());
        let fields = FIELDS.iter().map(|&name| name.to_owned()).chain(given).collect();
        let pairs = url.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<(&str, &str)> = pairs.filter(|(_, value)| !value.is_empty()).collect();
        let parameters =
            pairs.iter().map(|(name, value)| (format!("{name}={value}"), format!("{name}={HIDDEN}"))).collect();
        let is_public = |name: &str| PUBLIC.iter().any(|public| name.to_ascii_lowercase().starts_with(public));
        let credentials = || headers.iter().filter(|(name, _)| !is_public(name)).map(|(_, value)| value.as_str());
        let mut values: Vec<String> = credentials().map(str::to_owned).collect();
        values.extend(credentials().filter_map(|value| value.split_once(' ')).map(|(_, token)| token.to_owned()));
        values.extend(pairs.iter().map(|(_, value)| (*value).to_owned()));
        values.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
        values.extend(url.password().map(str::to_owned));
        values.retain(|value| value.chars().count() >= SHORTEST);
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Self { fields, parameters, values }
    }

    /// Returns a text without them.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let mut text: String = text.split_inclusive('\n').map(|line| self.field(line)).collect();
        for (parameter, shown) in &self.parameters {
            text = text.replace(parameter, shown);
        }
        for value in &self.values {
            text = text.replace(value, HIDDEN);
        }
        text
    }

    /// Returns a line; without its value, if it is a header field whose value is secret.
    fn field(&self, line: &str) -> String {
        match line.split_once(':') {
            Some((name, value)) if self.fields.contains(&name.trim().to_ascii_lowercase()) => {
                let end = &value[value.trim_end().len()..];
                format!("{name}: {HIDDEN}{end}")
            }
            _ => line.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden_wherever_they_are() {
        let url = "http://me:pa55word@h/x?token=abcdefg&n=1".parse().unwrap();
        let secrets = Secrets::of(
            &url,
            &[("X-Key".to_owned(), "k".to_owned()), ("Authorization".to_owned(), "Bearer s3cret".to_owned())],
        );
        let text =
            "GET /x?token=abcdefg&n=1 HTTP/1.1\r\nx-key: k\r\nCookie: a=b\r\nHost: h\r\n\r\npa55word s3cret abcdefg k";
        let shown = "GET /x?token=…&n=… HTTP/1.1\r\nx-key: …\r\nCookie: …\r\nHost: h\r\n\r\n… … … k";
        assert_eq!(secrets.hide(text), shown);
    }

    #[test]
    fn what_any_browser_sends_is_hidden_in_its_field_only() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = [header("Accept-Encoding", "gzip, deflate"), header("Sec-Fetch-Mode", "no-cors")];
        let secrets = Secrets::of(&"http://h/x".parse().unwrap(), &headers);
        assert_eq!(secrets.hide("accept-encoding: x\ndeflate no-cors"), "accept-encoding: …\ndeflate no-cors");
    }

    #[test]
    fn text_without_secrets_stays_as_it_is() {
        let secrets = Secrets::of(&"http://h/x".parse().unwrap(), &[]);
        assert_eq!(secrets.hide("HTTP/1.1 200 OK\r\n\r\ndata: a: b\n\n"), "HTTP/1.1 200 OK\r\n\r\ndata: a: b\n\n");
    }
}
