use super::*;
use crate::stamp;

fn found(recipe: &StampRecipe, message: &str) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    Finder::new(recipe).unwrap().find(message.as_bytes(), &mut |stamp| found.push((stamp.seq, stamp.at)));
    found
}

fn pointers(seq: &str, at: &str, unit: TimeUnit) -> StampRecipe {
    StampRecipe::Pointers { seq: seq.to_owned(), at: at.to_owned(), unit }
}

fn pattern(pattern: &str, unit: TimeUnit) -> StampRecipe {
    StampRecipe::Pattern { pattern: pattern.to_owned(), unit }
}

#[test]
fn the_text_of_feedlab_is_found_with_its_epoch() {
    let cursor: feedlab_feed::Cursor = "k3f9.7".parse().unwrap();
    let text = stamp::text(cursor, 1_795_997_031_934_936, 100);
    let mut found = Vec::new();
    let message = format!("<p>{text}</p><p>{text}</p>");
    Finder::new(&StampRecipe::Text).unwrap().find(message.as_bytes(), &mut |stamp| found.push(stamp));
    assert_eq!(found, [Stamp { epoch: cursor.epoch, seq: 7, at: 1_795_997_031_934_936 }; 2]);
}

#[test]
fn pointers_find_numbers_and_strings_of_numbers_in_every_unit() {
    for (unit, message, at) in [
        (TimeUnit::Micros, r#"{"id":7,"ts":1795997031934936}"#, 1_795_997_031_934_936),
        (TimeUnit::Millis, r#"{"ts":"1795997031934","id":"7"}"#, 1_795_997_031_934_000),
        (TimeUnit::Millis, r#"{"ts":1795997031934.5,"id":7}"#, 1_795_997_031_934_500),
        (TimeUnit::Seconds, r#"{"ts":1795997031,"id":7}"#, 1_795_997_031_000_000),
        (TimeUnit::Seconds, r#" {"ts":1795997031.934936,"id":" 7 "} "#, 1_795_997_031_934_936),
    ] {
        assert_eq!(found(&pointers("/id", "/ts", unit), message), [(7, at)], "{message}");
    }
    let nested = pointers("/data/0", "/meta/a~1b", TimeUnit::Micros);
    assert_eq!(found(&nested, r#"{"data":[7],"meta":{"a/b":9}}"#), [(7, 9)]);
}

#[test]
fn pointers_apply_to_each_element_and_to_each_of_several_values() {
    let recipe = pointers("/id", "/ts", TimeUnit::Micros);
    assert_eq!(found(&recipe, r#"[{"id":1,"ts":10},{"other":1},{"id":2,"ts":20}]"#), [(1, 10), (2, 20)]);
    assert_eq!(found(&recipe, "{\"id\":1,\"ts\":10}\n{\"id\":2,\"ts\":20}\n"), [(1, 10), (2, 20)]);
}

#[test]
fn what_has_no_number_at_the_pointer_is_no_update() {
    let recipe = pointers("/id", "/ts", TimeUnit::Seconds);
    for message in [
        "",
        "hello",
        "{",
        "7",
        "[[{\"id\":1,\"ts\":1}]]",
        r#"{"id":1}"#,
        r#"{"id":"a1","ts":1}"#,
        r#"{"id":-1,"ts":1}"#,
        r#"{"id":1.5,"ts":1}"#,
        r#"{"id":1,"ts":-1}"#,
        r#"{"id":1,"ts":"NaN"}"#,
        r#"{"id":1,"ts":"inf"}"#,
        r#"{"id":1,"ts":18446744073709551615}"#,
        r#"{"id":1,"ts":null}"#,
        r#"{"id":18446744073709551616,"ts":1}"#,
    ] {
        assert_eq!(found(&recipe, message), [], "{message}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(found(&recipe, &deep), []);
}

#[test]
fn each_match_of_a_pattern_is_an_update() {
    let recipe = pattern(r"seq=(?<seq>\d+) at=(?<at>[\d.]+)", TimeUnit::Millis);
    assert_eq!(found(&recipe, "seq=1 at=10; seq=2 at=20.5, seq=x at=3"), [(1, 10_000), (2, 20_500)]);
    let too_large = "seq=99999999999999999999 at=1";
    assert_eq!(found(&recipe, too_large), []);
    assert_eq!(found(&pattern("(?<seq>1)|(?<at>2)", TimeUnit::Micros), "12"), [], "a group without a match");
}

#[test]
fn a_recipe_that_cannot_work_is_refused_on_one_line() {
    let error = |recipe: &StampRecipe| Finder::new(recipe).unwrap_err().to_string();
    let not_a_pointer = "\"id\" is not a JSON pointer (RFC 6901); start it with a slash, as in \"/id\" or \"/data/id\"";
    assert_eq!(error(&pointers("id", "/ts", TimeUnit::Micros)), not_a_pointer);
    assert!(error(&pointers("/id", "/a~2", TimeUnit::Micros)).starts_with("\"/a~2\" is not"));
    let of = |text: &str| error(&pattern(text, TimeUnit::Micros));
    assert_eq!(
        of("(?<seq>\\d+"),
        "this is not a regular expression: unclosed group; correct it, or look for JSON fields with `seq` and `at` instead"
    );
    assert_eq!(
        of("(?<seq>\\d+)"),
        "the pattern has no group `at`; add it, as in \"seq=(?<seq>\\\\d+) at=(?<at>\\\\d+)\""
    );
    assert!(of("").contains("no group `seq`"));
    for large in [&"a".repeat(1025), "(?<seq>\\w{500}{50})(?<at>x)"] {
        assert_eq!(of(large), "the pattern is too large; shorten it to at most 1 KiB, with smaller repetitions");
    }
}

#[test]
fn what_is_looked_for_is_given_in_words() {
    let words = |recipe: &StampRecipe| Finder::new(recipe).unwrap().looked_for();
    assert_eq!(words(&StampRecipe::Text), "the text that was published for `$UPDATE`, `feedlab:EPOCH.SEQ:AT:…`");
    assert_eq!(
        words(&pointers("/id", "/ts", TimeUnit::Millis)),
        "JSON with a number at \"/id\" and a time in ms of Unix time at \"/ts\""
    );
    assert_eq!(
        words(&pattern("(?<seq>\\d+)\n(?<at>\\d+)", TimeUnit::Micros)),
        "a match of the pattern `(?<seq>\\d+)\\n(?<at>\\d+)`, with a number as `seq` and a time in µs of Unix time as `at`"
    );
}
