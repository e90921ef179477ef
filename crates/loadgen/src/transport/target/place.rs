//! Where a client is in the feed of a target: what it has kept from the last response or message, and sends to continue
//! there.
//!
//! Pure. Everything kept is text that the target chose, so its length has a limit.

use feedlab_experiment::scenario::{CursorRecipe, CursorSource};
use hyper::header::{ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use serde_json::Value;
use url::{Url, form_urlencoded};

/// The longest value that is kept, bytes. A request with a longer one would be refused by most servers, whose limit for a
/// whole head is 8 KiB.
const MAX_VALUE: usize = 4 << 10;

/// What a client has kept.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The value of the query parameter.
    value: Option<Box<str>>,
    etag: Option<HeaderValue>,
    modified: Option<HeaderValue>,
    /// The newest update of the last message that had one.
    newest: Option<u64>,
}

impl Place {
    /// Takes what the recipe wants from a response head.
    pub(super) fn read_head(&mut self, recipe: &CursorRecipe, head: &HeaderMap) {
        match recipe {
            // Both are of the same response. One that says that there is no news may have neither.
            CursorRecipe::Etag if head.contains_key(ETAG) || head.contains_key(LAST_MODIFIED) => {
                self.etag = head.get(ETAG).and_then(kept);
                self.modified = head.get(LAST_MODIFIED).and_then(kept);
            }
            CursorRecipe::Query { from: CursorSource::Header(field), .. } => {
                let field = HeaderName::from_bytes(field.as_bytes()).ok();
                let value = field.and_then(|field| head.get(field)).and_then(|value| value.to_str().ok());
                self.keep(value);
            }
            _ => {}
        }
    }

    /// Takes what the recipe wants from a message, in which `newest` is the newest update. Returns whether that is one
    /// that the client did not have.
    pub(super) fn read_message(&mut self, recipe: &CursorRecipe, message: &[u8], newest: Option<u64>) -> bool {
        match recipe {
            CursorRecipe::Query { from: CursorSource::Pointer(pointer), .. } => {
                let json = serde_json::from_slice::<Value>(message).ok();
                match json.as_ref().and_then(|json| json.pointer(pointer)) {
                    Some(Value::String(text)) => self.keep(Some(text)),
                    Some(Value::Number(number)) => self.keep(Some(&number.to_string())),
                    _ => {}
                }
            }
            CursorRecipe::Query { from: CursorSource::Seq, .. } => {
                self.keep(newest.map(|seq| seq.to_string()).as_deref());
            }
            _ => {}
        }
        let is_news = newest > self.newest;
        self.newest = newest.or(self.newest);
        is_news
    }

    /// Whether there is something to send, or the recipe needs nothing.
    pub(super) fn is_known(&self, recipe: &CursorRecipe) -> bool {
        match recipe {
            CursorRecipe::Standard | CursorRecipe::None => true,
            CursorRecipe::Etag => self.etag.is_some() || self.modified.is_some(),
            CursorRecipe::Query { .. } => self.value.is_some(),
        }
    }

    /// Adds the query parameter to a URL. It replaces one of the same name, which says where a new client starts; the rest
    /// of the query is kept unchanged.
    pub(super) fn add_to_url(&self, recipe: &CursorRecipe, url: &mut Url) {
        let CursorRecipe::Query { name, .. } = recipe else { return };
        let Some(value) = &self.value else { return };
        let others = |query: &str| {
            let others: Vec<_> = query.split('&').filter(|pair| !is_named(pair, name)).collect();
            others.join("&")
        };
        let query = url.query().map(others).filter(|query| !query.is_empty());
        url.set_query(query.as_deref());
        url.query_pairs_mut().append_pair(name, value);
    }

    /// Adds the conditions to the headers of a request.
    pub(super) fn add_to_headers(&self, recipe: &CursorRecipe, headers: &mut HeaderMap) {
        if *recipe != CursorRecipe::Etag {
            return;
        }
        for (name, value) in [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.modified)] {
            match value {
                Some(value) => headers.insert(name, value.clone()),
                None => headers.remove(name),
            };
        }
    }

    fn keep(&mut self, value: Option<&str>) {
        if let Some(value) = value.filter(|value| value.len() <= MAX_VALUE)
            && self.value.as_deref() != Some(value)
        {
            self.value = Some(value.into());
        }
    }
}

/// A copy of a value, which is a slice of a read buffer and would keep all of it allocated.
fn kept(value: &HeaderValue) -> Option<HeaderValue> {
    let bytes = Some(value.as_bytes()).filter(|bytes| bytes.len() <= MAX_VALUE)?;
    HeaderValue::from_bytes(bytes).ok()
}

/// Whether a parameter of a query has this name.
fn is_named(pair: &str, name: &str) -> bool {
    form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(own, _)| own == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(from: CursorSource) -> CursorRecipe {
        CursorRecipe::Query { name: "after".to_owned(), from }
    }

    fn head(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn url(place: &Place, recipe: &CursorRecipe, endpoint: &str) -> String {
        let mut url = endpoint.parse().unwrap();
        place.add_to_url(recipe, &mut url);
        url.to_string()
    }

    #[test]
    fn a_value_is_taken_from_where_the_recipe_says_and_stays_until_there_is_another() {
        let pointer = || CursorSource::Pointer("/page/next".to_owned());
        for (from, first, other) in [
            (CursorSource::Header("X-Next".to_owned()), "a b", "a b"),
            (pointer(), r#"{"page":{"next":"a b"}}"#, r#"{"page":{}}"#),
            (pointer(), r#"{"page":{"next":"a b"}}"#, "not JSON"),
            (CursorSource::Seq, "", ""),
        ] {
            let recipe = query(from.clone());
            let mut place = Place::default();
            assert!(!place.is_known(&recipe));
            assert_eq!(url(&place, &recipe, "http://h/p?x=1"), "http://h/p?x=1", "{from:?}");
            place.read_head(&recipe, &head(&[("x-next", "a b")]));
            place.read_message(&recipe, first.as_bytes(), Some(7));
            let expected =
                if from == CursorSource::Seq { "http://h/p?x=1&after=7" } else { "http://h/p?x=1&after=a+b" };
            assert_eq!(url(&place, &recipe, "http://h/p?x=1"), expected);
            place.read_head(&recipe, &head(&[]));
            place.read_message(&recipe, other.as_bytes(), None);
            assert!(place.is_known(&recipe));
            assert_eq!(url(&place, &recipe, "http://h/p?x=1"), expected, "{from:?}");
        }
    }

    #[test]
    fn a_number_is_a_value_and_a_value_without_end_is_none() {
        let recipe = query(CursorSource::Pointer("/0".to_owned()));
        let mut place = Place::default();
        place.read_message(&recipe, format!("[{:?}]", "x".repeat(MAX_VALUE + 1)).as_bytes(), None);
        assert!(!place.is_known(&recipe));
        place.read_message(&recipe, b"[17]", None);
        assert_eq!(url(&place, &recipe, "http://h/"), "http://h/?after=17");
    }

    #[test]
    fn the_parameter_replaces_that_of_a_new_client_and_nothing_else() {
        let recipe = query(CursorSource::Seq);
        let mut place = Place::default();
        place.read_message(&recipe, b"", Some(7));
        for (endpoint, expected) in [
            ("http://h/lp?after=-1&live=true", "http://h/lp?live=true&after=7"),
            ("http://h/lp?sig=a%20b&%61fter=0", "http://h/lp?sig=a%20b&after=7"),
            ("http://h/lp?after=now", "http://h/lp?after=7"),
            ("http://h/lp?thereafter=1", "http://h/lp?thereafter=1&after=7"),
        ] {
            assert_eq!(url(&place, &recipe, endpoint), expected);
        }
    }

    #[test]
    fn conditions_are_those_of_the_last_response_that_had_any() {
        let recipe = CursorRecipe::Etag;
        let mut place = Place::default();
        let sent = |place: &Place| {
            let mut headers = HeaderMap::new();
            place.add_to_headers(&recipe, &mut headers);
            [IF_NONE_MATCH, IF_MODIFIED_SINCE]
                .map(|name| headers.get(name).map(|value| value.to_str().unwrap().to_owned()))
        };
        assert_eq!(sent(&place), [None, None]);
        place.read_head(&recipe, &head(&[("etag", "3"), ("last-modified", "Mon")]));
        place.read_head(&recipe, &head(&[]));
        assert_eq!(sent(&place), [Some("3".to_owned()), Some("Mon".to_owned())]);
        place.read_head(&recipe, &head(&[("etag", "4")]));
        assert_eq!(sent(&place), [Some("4".to_owned()), None]);
        assert!(place.is_known(&recipe));
        assert_eq!(url(&place, &recipe, "http://h/"), "http://h/");
    }

    #[test]
    fn what_a_client_has_already_is_no_news() {
        let mut place = Place::default();
        let seqs = [None, Some(0), Some(0), None, Some(2), Some(1), Some(2)];
        let news = seqs.map(|newest| place.read_message(&CursorRecipe::Standard, b"", newest));
        assert_eq!(news, [false, true, false, false, true, false, true]);
    }
}
