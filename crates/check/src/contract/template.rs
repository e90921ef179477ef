//! Texts of a case in which `$NAME` stands for something that is known only when the case is carried out.

/// The names that a text uses.
pub(crate) fn names(text: &str) -> Vec<&str> {
    pieces(text).filter_map(|piece| if let Piece::Name(name) = piece { Some(name) } else { None }).collect()
}

/// Returns a text with its names replaced.
///
/// # Errors
/// The first name that `value` does not know.
pub(crate) fn fill(text: &str, mut value: impl FnMut(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Name(name) => filled.push_str(&value(name).ok_or_else(|| format!("${name}"))?),
        }
    }
    Ok(filled)
}

/// Bytes that are written as hexadecimal digits, with spaces anywhere; `None` if they are not.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| if let [high, low] = pair { Some(high << 4 | low) } else { None });
    pairs.collect()
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// The pieces of a text. `$$` stands for `$`, and so does a `$` before anything that begins no name.
fn pieces(mut rest: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(after) = rest.strip_prefix('$') else {
            let end = rest.find('$').unwrap_or(rest.len());
            return Some(Piece::Text(take(&mut rest, end)));
        };
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        if end > 0 && !after.starts_with(|c: char| c.is_ascii_digit()) {
            rest = after;
            return Some(Piece::Name(take(&mut rest, end)));
        }
        let dollar = take(&mut rest, 1);
        rest = rest.strip_prefix('$').unwrap_or(rest);
        Some(Piece::Text(dollar))
    })
}

fn take<'a>(rest: &mut &'a str, end: usize) -> &'a str {
    let (piece, after) = rest.split_at(end);
    *rest = after;
    piece
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, filled: &str) {
        let value = |name: &str| match name {
            "a" => Some("A".to_owned()),
            "a_1" => Some("B".to_owned()),
            _ => None,
        };
        assert_eq!(fill(text, value).as_deref(), Ok(filled));
    }

    #[test]
    fn names_are_replaced() {
        check("", "");
        check("$a", "A");
        check("x$a-y$a_1.$a", "xA-yB.A");
        check("$$a costs $5 and a $", "$a costs $5 and a $");
        check("ä$a€", "äA€");
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert_eq!(fill("$a $b", |_| None), Err("$a".to_owned()));
        assert_eq!(names("$a x $b_2$$c"), ["a", "b_2"]);
    }

    #[test]
    fn hexadecimal_digits_are_bytes() {
        assert_eq!(from_hex("fF 00 8"), None);
        assert_eq!(from_hex("fF 008 0").unwrap(), [0xff, 0, 0x80]);
        assert_eq!(from_hex("xy"), None);
    }
}
