//! Where the updates and the cursor are in the answers of a server that is not feedlab.

use serde_json::Value;

/// Where the updates and the cursor are in an answer that is JSON, and where the cursor goes in the next request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// A JSON pointer (RFC 6901) to the list of updates; the first list in the answer, if there is none.
    pub items: Option<String>,
    /// A JSON pointer to the next cursor in the answer; with `last:` before it, in the last update. `header:NAME` is a field
    /// of the answer instead.
    pub cursor: Option<String>,
    /// The query of the next request, in which `$CURSOR` stands for the cursor.
    pub after: Option<String>,
}

/// Before a pointer into the last update.
const LAST: &str = "last:";
/// Before the name of a header field.
const HEADER: &str = "header:";

impl Mapping {
    /// Finds out whether the mapping is written correctly.
    ///
    /// # Errors
    /// A message with the remedy.
    pub fn check(&self) -> Result<(), String> {
        let pointers = [("items", self.items.as_deref()), ("cursor", self.cursor.as_deref())];
        for (name, pointer) in pointers.into_iter().filter_map(|(name, pointer)| Some((name, pointer?))) {
            if name == "cursor" && pointer.starts_with(HEADER) {
                continue;
            }
            let pointer = pointer.strip_prefix(LAST).filter(|_| name == "cursor").unwrap_or(pointer);
            if !pointer.is_empty() && !pointer.starts_with('/') {
                return Err(format!(
                    "`{pointer}` is not a JSON pointer for {name}: it must start with `/`, as in `/{pointer}`"
                ));
            }
        }
        match &self.after {
            Some(after) if !after.contains("$CURSOR") => {
                Err(format!("`{after}` does not say where the cursor goes: write $CURSOR, as in `since=$CURSOR`"))
            }
            _ => Ok(()),
        }
    }

    /// Returns the updates in an answer; `None` if it has no list where they should be.
    #[must_use]
    pub fn items<'a>(&self, answer: &'a Value) -> Option<&'a Vec<Value>> {
        match &self.items {
            Some(pointer) => answer.pointer(pointer)?.as_array(),
            None => first_array(answer),
        }
    }

    /// Returns the cursor after an answer or a message, as text.
    #[must_use]
    pub fn cursor(&self, answer: &Value) -> Option<String> {
        let pointer = self.cursor.as_deref()?;
        let value = match pointer.strip_prefix(LAST) {
            Some(pointer) => self.items(answer)?.last()?.pointer(pointer)?,
            None => answer.pointer(pointer)?,
        };
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Returns the name of the header field that is the cursor, if it is one.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        self.cursor.as_deref()?.strip_prefix(HEADER)
    }

    /// Returns the query of the next request.
    #[must_use]
    pub fn query(&self, cursor: &str) -> Option<String> {
        Some(self.after.as_ref()?.replace("$CURSOR", &super::encoded(cursor)))
    }
}

/// The first list in a value, level by level.
fn first_array(value: &Value) -> Option<&Vec<Value>> {
    let mut level = vec![value];
    while !level.is_empty() {
        if let Some(array) = level.iter().find_map(|value| value.as_array()) {
            return Some(array);
        }
        level = level.into_iter().filter_map(Value::as_object).flat_map(|object| object.values()).collect();
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mapping(items: Option<&str>, cursor: &str) -> Mapping {
        Mapping {
            items: items.map(str::to_owned),
            cursor: Some(cursor.to_owned()),
            after: Some("since=$CURSOR".to_owned()),
        }
    }

    #[test]
    fn the_first_list_is_found() {
        let mapping = Mapping::default();
        assert_eq!(mapping.items(&json!([1, 2])).unwrap().len(), 2);
        assert_eq!(mapping.items(&json!({"a": {"b": [1]}, "z": [1, 2, 3]})).unwrap().len(), 3);
        assert_eq!(mapping.items(&json!({"a": 1})), None);
    }

    #[test]
    fn a_cursor_is_in_the_answer_or_in_its_last_update() {
        let answer = json!({"items": [{"id": 7}, {"id": 8}], "next": "x y"});
        assert_eq!(mapping(None, "/next").cursor(&answer).unwrap(), "x y");
        assert_eq!(mapping(Some("/items"), "last:/id").cursor(&answer).unwrap(), "8");
        assert_eq!(mapping(Some("/items"), "last:/no").cursor(&answer), None);
        assert_eq!(mapping(None, "/next").query("x y").unwrap(), "since=x%20y");
    }

    #[test]
    fn mistakes_are_named() {
        assert!(mapping(Some("items"), "/next").check().unwrap_err().contains("`/items`"));
        assert!(mapping(None, "last:id").check().unwrap_err().contains("`/id`"));
        assert!(mapping(None, "last:/id").check().is_ok());
        assert_eq!(mapping(None, "header:Stream-Next-Offset").header(), Some("Stream-Next-Offset"));
        assert!(mapping(None, "header:Stream-Next-Offset").check().is_ok());
        let after = Mapping { after: Some("since=".to_owned()), ..Mapping::default() };
        assert!(after.check().unwrap_err().contains("$CURSOR"));
    }
}
