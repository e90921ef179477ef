//! The class page for the projector, from which an instructor leads, and the page on which learners join.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use feedlab_experiment::class::Question;
use qrcode::{Color, QrCode};

use super::pages::{page, root};
use crate::chapter::escaped;
use crate::class::{Audience, Inner};

/// The steps of a question, with the instructor's words for them.
const STEPS: [(&str, &str); 6] = [
    ("join", "Join"),
    ("vote", "Vote"),
    ("discuss", "Discuss"),
    ("again", "Vote again"),
    ("run", "Measure"),
    ("reveal", "Reveal"),
];

/// `GET /workshop/class`: one question at a time, step by step. Only a page with the instructor's token has the controls.
pub(crate) async fn class(State(class): State<Arc<Inner>>, at: Uri) -> Response {
    let questions = &class.questions.question;
    let empty = if questions.is_empty() { "<p class=\"mistake\">There are no questions yet.</p>\n" } else { "" };
    let main = format!(
        "<h1 class=\"quiet\">The class</h1>\n{empty}{}{}{STAGE}{}",
        controls(questions),
        join_screen(&class.audience),
        hands_of(questions),
    );
    page(StatusCode::OK, "The class", &main, "class.js", &root(&at))
}

/// `GET /join`: the short address for learners, with the question that the class is at.
pub(crate) async fn join(at: Uri) -> Response {
    page(StatusCode::OK, "Join the class", LEARNER, "join.js", &root(&at))
}

/// What everybody sees: the question, its choices, then the votes, then the answer.
const STAGE: &str = "<section id=\"stage\" aria-label=\"Question\" hidden>\n<p id=\"step\"></p>\n<h2 id=\"text\"></h2>\n\
    <ol id=\"choices\" class=\"choices\"></ol>\n<p id=\"count\" role=\"status\"></p>\n\
    <progress id=\"progress\" max=\"1\" value=\"0\" aria-label=\"Progress of the measurement\" hidden></progress>\n\
    <div class=\"evidence\">\n<div id=\"chart\" class=\"chart\"></div>\n<div id=\"known\"></div>\n</div>\n</section>\n\
    <p id=\"late\" class=\"late\" hidden></p>\n";

const LEARNER: &str = "<h1 id=\"title\">Join the class</h1>\n<form id=\"enter\">\n\
    <label>Your name <input name=\"name\" maxlength=\"60\" autocomplete=\"nickname\" spellcheck=\"false\" required></label>\n\
    <button>Join</button>\n</form>\n<p id=\"you\" role=\"status\"></p>\n\
    <section id=\"stage\" aria-label=\"Question\" aria-live=\"polite\" hidden></section>\n\
    <p id=\"signals\" class=\"signals\" hidden><button type=\"button\" data-signal=\"done\" aria-pressed=\"false\">✓ Done</button>\n\
    <button type=\"button\" data-signal=\"stuck\" aria-pressed=\"false\">! Stuck</button></p>\n";

/// The instructor's controls, and the form that asks for the token.
fn controls(questions: &[Question]) -> String {
    let options: String = questions.iter().map(option).collect();
    let mut steps = String::new();
    for (step, label) in STEPS {
        let _ = writeln!(steps, "<button type=\"button\" data-step=\"{step}\" aria-pressed=\"false\">{label}</button>");
    }
    format!(
        "<section id=\"lead\" class=\"controls\" aria-label=\"Lead the class\" hidden>\n\
         <p><label>Question <select id=\"asked\">\n{options}</select></label></p>\n<p class=\"steps\">{steps}</p>\n\
         <p class=\"steps\"><button type=\"button\" id=\"next\" class=\"next\">Next</button>\n\
         <button type=\"button\" id=\"measure\" hidden>Measure it now</button>\n\
         <button type=\"button\" data-step=\"end\">End</button> <span id=\"signals\" role=\"status\"></span></p>\n\
         <p class=\"said\" role=\"status\"></p>\n</section>\n\
         <details id=\"unlock\"><summary>Lead the class</summary>\n<form>\n<p>Open the address that <code>feedlab \
         workshop</code> printed for the instructor, or enter its token.</p>\n<label>Token <input name=\"token\" \
         type=\"password\" autocomplete=\"off\" required></label> <button>Lead</button>\n<p class=\"said\" role=\"status\">\
         </p>\n</form></details>\n"
    )
}

fn option(question: &Question) -> String {
    let (id, text) = (escaped(&question.id), escaped(&question.text));
    format!("<option value=\"{id}\">{}: {text}</option>\n", escaped(&question.chapter))
}

/// The address to join at, as text and as a QR code.
fn join_screen(audience: &Audience) -> String {
    let Some((best, others)) = audience.join.split_first() else { return String::new() };
    let short = |url: &str| escaped(url.trim_start_matches("http://"));
    let mut more = String::new();
    for url in others {
        let _ = write!(more, " or <b>{}</b>", short(url));
    }
    let more =
        if more.is_empty() { more } else { format!("<p class=\"others\">If that does not open: {}</p>\n", &more[4..]) };
    let only_here = if audience.is_open {
        "<p class=\"others\">Your phone and this machine must be in the same network.</p>\n"
    } else {
        "<p class=\"others\">Only this machine can open that address. To let others join, start the workshop with \
         <code>--listen 0.0.0.0:8080</code>.</p>\n"
    };
    format!(
        "<section id=\"join\" class=\"join\" aria-label=\"Join\" data-join=\"{}\">\n<div>\n<h2>Join at <b>{}</b></h2>\n\
         {more}{only_here}<p id=\"people\" role=\"status\"></p>\n</div>\n{}</section>\n",
        escaped(best),
        short(best),
        qr_code(best).unwrap_or_default(),
    )
}

/// Returns an address as a QR code, black on white also in dark mode: many scanners do not read inverted ones.
fn qr_code(url: &str) -> Option<String> {
    /// The light border that a scanner needs (ISO/IEC 18004, section 9.1), modules.
    const QUIET: usize = 4;
    let code = QrCode::new(url).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let _ = write!(path, "M{} {}h1v1h-1z", index % width + QUIET, index / width + QUIET);
        }
    }
    let size = width + 2 * QUIET;
    Some(format!(
        "<svg class=\"qr\" viewBox=\"0 0 {size} {size}\" role=\"img\" aria-label=\"QR code of the address\" \
         shape-rendering=\"crispEdges\"><rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/>\
         <path d=\"{path}\" fill=\"#000\"/></svg>\n"
    ))
}

fn hands_of(questions: &[Question]) -> String {
    let hands: String = questions.iter().map(hands).collect();
    format!(
        "<details id=\"hands\" hidden><summary>Count hands</summary>\n{hands}<p class=\"said\" role=\"status\"></p></details>\n"
    )
}

/// Returns the form for counting raised hands: a count for each choice, or for one number.
fn hands(question: &Question) -> String {
    let row = |label: &str, answer: &str| {
        format!(
            "<label>{label} <input type=\"number\" min=\"1\" max=\"1000\" step=\"1\" data-answer=\"{answer}\" \
             inputmode=\"numeric\"></label>\n"
        )
    };
    let rows: String = if question.choices.is_empty() {
        let unit = question.unit.as_deref().map(escaped).unwrap_or_default();
        format!("<label>{unit} <input type=\"number\" step=\"any\" name=\"number\"></label>\n") + &row("hands", "")
    } else {
        question.choices.iter().map(|choice| row(&escaped(&choice.text), &escaped(&choice.id))).collect()
    };
    format!(
        "<form class=\"hands\" data-question=\"{}\" hidden>\n<fieldset><legend>Hands for each answer</legend>\n{rows}</fieldset>\n\
         <button name=\"round\" value=\"before\">Before</button> <button name=\"round\" value=\"after\">After</button>\n</form>\n",
        escaped(&question.id),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w3_the_join_screen_has_an_address_to_type_and_one_to_scan() {
        let join = ["http://192.168.1.5:8080/join", "http://10.0.0.7:8080/join"].map(str::to_owned).to_vec();
        let screen = join_screen(&Audience { is_open: true, join, ..Audience::default() });
        assert!(screen.contains("<b>192.168.1.5:8080/join</b>") && screen.contains("open: <b>10.0.0.7:8080/join</b>"));
        assert!(
            screen.contains("<svg class=\"qr\"") && screen.contains("same network") && !screen.contains("--listen")
        );
        let join = vec!["http://127.0.0.1:8080/join".to_owned()];
        assert!(join_screen(&Audience { join, ..Audience::default() }).contains("--listen 0.0.0.0:8080"));
    }

    #[test]
    fn w3_a_qr_code_has_its_three_corners_and_a_quiet_border() {
        let svg = qr_code("http://192.168.1.5:8080/join").unwrap();
        // A finder pattern starts with seven dark modules in a row, and below its corner is a dark frame.
        for x in 4..11 {
            assert!(svg.contains(&format!("M{x} 4h1v1h-1z")), "{x}");
        }
        assert!(svg.contains("M4 10h1v1h-1z") && !svg.contains("M5 5h1v1h-1z") && !svg.contains("M3 "));
    }
}
