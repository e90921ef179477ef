//! The page: a form that works without JavaScript, with the answer and the map of what it asks.

use std::fmt::Write as _;

use feedlab_experiment::choice::Input;

use super::query::Asked;
use super::words::{HEAD, Words, slider};
use crate::chapter::escaped;

/// Returns the page with the answer, or with the reason why there is none.
pub(super) fn page(asked: &Asked, words: &Result<Words, String>) -> String {
    let query = escaped(&query(asked));
    let head: String = HEAD.map(|cell| format!("<th scope=\"col\">{cell}</th>")).concat();
    let (best, error, rows, changes) = match words {
        Ok(words) => (&*words.best, "", rows(words), changes(words)),
        Err(error) => ("No answer", &**error, String::new(), String::new()),
    };
    let parts = [
        ("{{fields}}", fields(asked)),
        ("{{axes}}", axes(asked)),
        ("{{more}}", more(asked)),
        ("{{best}}", escaped(best)),
        ("{{error}}", escaped(error)),
        ("{{head}}", head),
        ("{{rows}}", rows),
        ("{{changes}}", changes),
        // Last, because it is what was written.
        ("{{query}}", query),
    ];
    let shell = include_str!("page/choose.html").to_owned();
    parts.into_iter().fold(shell, |page, (name, text)| page.replace(name, &text))
}

fn rows(words: &Words) -> String {
    let row = |cells: &[String; 5]| {
        let [first, rest @ ..] = cells;
        let rest: String = rest.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
        format!("<tr><th scope=\"row\">{}</th>{rest}</tr>\n", escaped(first))
    };
    words.rows.iter().map(row).collect()
}

fn changes(words: &Words) -> String {
    words.changes.iter().map(|change| format!("<li>{}</li>\n", escaped(change))).collect()
}

/// Returns the query without empty fields and without the width of the map.
fn query(asked: &Asked) -> String {
    let is_kept = |(key, value): &&(String, String)| key != "width" && !value.trim().is_empty();
    let kept: Vec<String> = asked.written.iter().filter(is_kept).map(|(key, value)| pair(key, value)).collect();
    kept.join("&")
}

fn pair(key: &str, value: &str) -> String {
    format!("{}={}", encoded(key), encoded(value))
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Returns a field and a slider for each input. Sliders are shown by the script.
fn fields(asked: &Asked) -> String {
    Input::ALL.into_iter().map(|input| field(asked, input)).collect()
}

fn field(asked: &Asked, input: Input) -> String {
    let (name, label) = (input.name(), input.label());
    let own = || input.value(&asked.question).map(|value| input.text(value)).unwrap_or_default();
    let value = escaped(&asked.written(name).map_or_else(own, str::to_owned));
    let hint = match input {
        Input::IdleTimeout => " placeholder=\"none\"",
        Input::PollInterval => " placeholder=\"as the budget permits\"",
        _ => "",
    };
    let (low, high) = input.usual();
    let at = slider(input, &asked.question).map_or(String::new(), |at| format!(" value=\"{at}\""));
    format!(
        "<p class=\"field\"><label for=\"{name}\">{label}</label>\
         <input id=\"{name}\" name=\"{name}\" value=\"{value}\"{hint} autocomplete=\"off\" spellcheck=\"false\">\
         <input type=\"range\" id=\"{name}-slider\" aria-label=\"{label}: slider\" max=\"1000\"{at} data-low=\"{low}\" \
         data-high=\"{high}\" data-unit=\"{}\" hidden></p>\n",
        unit(input)
    )
}

const fn unit(input: Input) -> &'static str {
    match input {
        Input::Rate | Input::Sends => "/s",
        Input::Payload => " B",
        Input::Clients => "",
        Input::Deploys => "a day",
        Input::Rtt | Input::Budget | Input::IdleTimeout | Input::PollInterval => "ms",
    }
}

fn axes(asked: &Asked) -> String {
    let select = |key: &str, label: &str, chosen: Input| {
        let options = Input::ALL.map(|input| option(input.name(), input.label(), input == chosen)).concat();
        format!("<label>{label} <select name=\"{key}\">{options}</select></label>\n")
    };
    select("x", "across", asked.axes.0) + &select("y", "upward", asked.axes.1)
}

fn option(value: &str, label: &str, is_chosen: bool) -> String {
    let chosen = if is_chosen { " selected" } else { "" };
    format!("<option value=\"{value}\"{chosen}>{label}</option>")
}

/// Returns the fields of what is not a number.
fn more(asked: &Asked) -> String {
    let question = &asked.question;
    let select = |key: &str, label: &str, options: &[(&str, &str)]| {
        let chosen = asked.written(key).unwrap_or_default();
        let options: String = options.iter().map(|(value, label)| option(value, label, *value == chosen)).collect();
        format!("<label>{label} <select name=\"{key}\">{options}</select></label>\n")
    };
    let check = |value: &str, label: &str| {
        let is_there = question.between.iter().any(|one| one.to_string() == value);
        let checked = if is_there { " checked" } else { "" };
        format!("<label><input type=\"checkbox\" name=\"between\" value=\"{value}\"{checked}> {label}</label>\n")
    };
    let first =
        [("", "bytes, then requests"), ("age", "age"), ("requests", "requests"), ("cpu", "CPU"), ("memory", "memory")];
    [
        select("browser", "clients", &[("", "browsers"), ("false", "programs")]),
        select(
            "pattern",
            "updates come",
            &[("", "at random"), ("steady", "steadily"), ("bursts of 10", "in bursts of 10")],
        ),
        select("chat", "messages go", &[("", "to the server"), ("true", "to all clients: a chat")]),
        select("cares_about", "the best by", &first),
        check("nginx", "nginx with its defaults"),
        check("corporate-proxy", "a corporate proxy"),
        check("http2", "HTTP/2"),
    ]
    .concat()
}
