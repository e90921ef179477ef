//! `GET /workshop/class`: the class's votes, for the projector.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use feedlab_experiment::class::Question;

use super::pages::page;
use crate::chapter::escaped;
use crate::class::Inner;

/// One question at a time: its votes when the teacher wants them seen, and the answer after that.
pub(crate) async fn show(State(class): State<Arc<Inner>>) -> Response {
    let questions = &class.questions.question;
    let options: String = questions.iter().map(option).collect();
    let hands: String = questions.iter().map(hands).collect();
    let empty = if questions.is_empty() { "<p class=\"mistake\">No chapter asks anything yet.</p>\n" } else { "" };
    let main = format!(
        "<h1 class=\"quiet\">The class</h1>\n{empty}<p class=\"controls\"><label>Question <select id=\"asked\">\n{options}</select></label>\n\
         <button type=\"button\" id=\"votes\" aria-pressed=\"false\">Show the votes</button>\n\
         <button type=\"button\" id=\"answer\" aria-pressed=\"false\">Show the answer</button></p>\n\
         <section id=\"shown\" aria-label=\"Votes\">\n<h2 id=\"text\"></h2>\n<p id=\"count\" role=\"status\"></p>\n\
         <div id=\"chart\" class=\"chart\"></div>\n<div id=\"known\"></div>\n</section>\n\
         <details id=\"hands\"><summary>Count hands</summary>\n{hands}<p class=\"said\" role=\"status\"></p></details>\n"
    );
    page(StatusCode::OK, "The class", &main, "class.js")
}

fn option(question: &Question) -> String {
    let (id, text) = (escaped(&question.id), escaped(&question.text));
    format!("<option value=\"{id}\">{}: {text}</option>\n", escaped(&question.chapter))
}

/// Where raised hands are written down: a number for each choice, or for one number.
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
