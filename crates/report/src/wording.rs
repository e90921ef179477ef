//! The grammar of generated sentences: lists of names, agreement of verbs, a capital at the start.

use crate::human;

/// `a`, `a and b`, `a, b and c`; names that contain a comma are separated by semicolons.
pub(crate) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let comma = if names.iter().any(|name| has_bare_comma(name)) { ";" } else { "," };
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [init @ .., last] if comma == "," => format!("{} and {last}", init.join(", ")),
        [init @ .., last] => format!("{}; and {last}", init.join("; ")),
    }
}

/// The most names that a sentence lists.
const LISTED: usize = 4;

/// The names of contenders, or how many of them they are if they are too many to read: `11 of the 13 contenders`.
pub(crate) fn contenders<S: AsRef<str>>(names: &[S], all: usize) -> String {
    match names.len() {
        few if few <= LISTED => list(names),
        many if many == all => format!("all {all} contenders"),
        many => format!("{many} of the {all} contenders"),
    }
}

/// Whether a name has a comma outside parentheses.
fn has_bare_comma(name: &str) -> bool {
    let mut depth = 0i32;
    name.chars().any(|letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        letter == ',' && depth <= 0
    })
}

/// Returns the form that agrees with a number of subjects.
pub(crate) fn agree<'a>(subjects: usize, one: &'a str, many: &'a str) -> &'a str {
    if subjects == 1 { one } else { many }
}

/// Capitalizes the first letter. A name with mixed case is left unchanged (`mTLS`, `iPhone`).
pub(crate) fn sentence(text: &str) -> String {
    let first_word = text.split_whitespace().next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !first_word.chars().skip(1).any(char::is_uppercase) => {
            first.to_uppercase().collect::<String>() + chars.as_str()
        }
        _ => text.to_owned(),
    }
}

/// Replaces the spaces between figures and their units by non-breaking ones, for text that is wrapped.
pub(crate) fn glued(text: &str) -> String {
    const UNITS: [&str; 10] = ["µs", "ms", "s", "B", "KiB", "MiB", "GiB", "%", "times", "clients"];
    let mut out = String::with_capacity(text.len());
    for word in text.split(' ') {
        let unit = word.trim_end_matches([',', ';', '.', ':', ')']);
        if !out.is_empty() {
            out.push(if out.ends_with(|last: char| last.is_ascii_digit()) && UNITS.contains(&unit) {
                '\u{a0}'
            } else {
                ' '
            });
        }
        out.push_str(word);
    }
    out
}

/// A number with its noun: `3 clients`, `1 client`.
pub(crate) fn counted(number: f64, one: &str, many: &str) -> String {
    format!("{} {}", human::count(number), if number == 1.0 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_a_person_writes_them() {
        assert_eq!(list(&["SSE"]), "SSE");
        assert_eq!(list(&["SSE", "WebSocket"]), "SSE and WebSocket");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(list(&["polling, 1 s", "SSE"]), "polling, 1 s; and SSE");
        assert_eq!(list(&["polling (1 s, old)", "SSE"]), "polling (1 s, old) and SSE");
        assert_eq!(list(&["polling (1 s, old), new", "SSE"]), "polling (1 s, old), new; and SSE");
        assert_eq!(contenders(&["a", "b", "c", "d"], 4), "a, b, c and d");
        assert_eq!(contenders(&["a"; 5], 5), "all 5 contenders");
        assert_eq!(contenders(&["a"; 11], 13), "11 of the 13 contenders");
        assert_eq!(list::<&str>(&[]), "");
    }

    #[test]
    fn sentences_start_with_a_capital() {
        assert_eq!(sentence("short polling is late"), "Short polling is late");
        assert_eq!(sentence("iPhone clients"), "iPhone clients");
        assert_eq!(sentence("élan"), "Élan");
        assert_eq!(sentence(""), "");
        assert_eq!(glued("at most 1.4 ms; 37 % of 2 updates"), "at most 1.4\u{a0}ms; 37\u{a0}% of 2 updates");
        assert_eq!(counted(1.0, "client", "clients"), "1 client");
        assert_eq!(counted(1500.0, "client", "clients"), "1,500 clients");
    }
}
