//! Markers: comments in a chapter that become forms and buttons on its page, and their HTML. The page's script makes
//! them work.

use feedlab_experiment::class::{Choice, Question, Questions};

use super::escaped;
use crate::exercise::Exercise;

/// A marker in a chapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// `<!-- question: ID -->`
    Question(String),
    /// `<!-- run: scenarios/workshop/NAME.toml -->`
    Run(String),
    /// `<!-- page: preset=far -->`: a link to the live page with this query.
    Page(String),
    /// `<!-- exercise: NAME -->`
    Exercise(String),
}

/// Parses a block of HTML; `None` if it is not a marker.
pub(crate) fn of(html: &str) -> Option<Marker> {
    let inside = html.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    let (word, rest) = inside.split_once(':')?;
    let rest = rest.trim().to_owned();
    Some(match word.trim() {
        "question" => Marker::Question(rest),
        "run" => Marker::Run(rest),
        "page" => Marker::Page(rest),
        "exercise" => Marker::Exercise(rest),
        _ => return None,
    })
}

/// Returns the HTML of a marker. `root` is the relative URL of the server's root.
pub(crate) fn html(marker: &Marker, questions: &Questions, root: &str) -> String {
    match marker {
        Marker::Question(id) => match questions.question.iter().find(|question| question.id == *id) {
            Some(asked) => question(asked),
            None => mistake(&format!("questions.toml has no question `{id}`")),
        },
        Marker::Run(scenario) => run(scenario),
        Marker::Page(query) => live_page(query, root),
        Marker::Exercise(name) => exercise(name) + EXERCISE_END,
    }
}

fn mistake(text: &str) -> String {
    format!("<p class=\"mistake\">{}</p>\n", escaped(text))
}

/// Returns the form of a question. The result appears below it once the learner has answered.
fn question(question: &Question) -> String {
    let (id, text) = (escaped(&question.id), escaped(&question.text));
    let scenario = question.measured.as_ref().map_or("", |measured| &measured.scenario);
    format!(
        "<section class=\"question\" id=\"question-{id}\" data-question=\"{id}\" data-scenario=\"{}\" aria-label=\"Question\">\n\
         <form>\n<fieldset><legend>{text}</legend>\n{}</fieldset>\n\
         <button>Predict</button>\n<p class=\"said\" role=\"status\"></p>\n</form>\n\
         <div class=\"result\" aria-live=\"polite\" hidden></div>\n</section>\n",
        escaped(scenario),
        answers(question),
    )
}

fn answers(question: &Question) -> String {
    if question.choices.is_empty() {
        let unit = question.unit.as_deref().map(escaped).unwrap_or_default();
        return format!(
            "<label>Your number <input type=\"number\" name=\"answer\" step=\"any\" min=\"0\" inputmode=\"decimal\" \
             autocomplete=\"off\" required> {unit}</label>\n"
        );
    }
    let choice = |choice: &Choice| {
        let (id, text) = (escaped(&choice.id), escaped(&choice.text));
        format!("<label><input type=\"radio\" name=\"answer\" value=\"{id}\" required> {text}</label>\n")
    };
    question.choices.iter().map(choice).collect()
}

/// Returns the button that starts a measurement, with its progress and its result.
fn run(scenario: &str) -> String {
    let scenario = escaped(scenario);
    format!(
        "<section class=\"run\" data-run=\"{scenario}\" aria-label=\"Measurement\">\n\
         <p><button type=\"button\">Measure it</button> <code>feedlab run {scenario}</code></p>\n\
         <progress max=\"1\" value=\"0\" aria-label=\"Progress of the measurement\" hidden></progress>\n\
         <p class=\"said\" role=\"status\"></p>\n</section>\n"
    )
}

fn live_page(query: &str, root: &str) -> String {
    let query = escaped(query.trim_start_matches('?'));
    format!(
        "<section class=\"live\" aria-label=\"Live page\">\n\
         <p><a class=\"button\" href=\"{root}?{query}\" target=\"_blank\">Open the live page</a> <code>/?{query}</code></p>\n\
         <details><summary>Show it here</summary>\n<iframe data-src=\"{root}?{query}\" title=\"The live page, {query}\"></iframe>\n\
         </details>\n</section>\n"
    )
}

/// Returns the beginning of the box of an exercise. Its text and its commands come from the chapter; [`EXERCISE_END`]
/// is the end.
pub(crate) fn exercise(name: &str) -> String {
    let Ok(exercise) = Exercise::find(name) else {
        return mistake(&format!("there is no exercise `{name}`")) + "<section>";
    };
    let Exercise { name, title, minutes, .. } = exercise;
    format!(
        "<section class=\"exercise\" id=\"exercise-{name}\" aria-label=\"Exercise {name}\">\n\
         <p><b>Exercise <code>{name}</code></b>: {title}. {minutes} minutes.</p>\n",
    )
}

/// The end of the box of an exercise.
pub(crate) const EXERCISE_END: &str = "</section>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_words_are_markers_and_other_comments_are_not() {
        assert_eq!(of("<!-- question: far-age -->\n"), Some(Marker::Question("far-age".into())));
        assert_eq!(of("<!--page:preset=far-->"), Some(Marker::Page("preset=far".into())));
        assert_eq!(
            of("<!-- run: scenarios/workshop/a.toml -->"),
            Some(Marker::Run("scenarios/workshop/a.toml".into()))
        );
        assert_eq!(of("<!-- exercise: sse-parser -->"), Some(Marker::Exercise("sse-parser".into())));
        for other in ["<!-- a note: of ours -->", "<!-- nothing -->", "<details>", "<!-- question: open"] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn nothing_in_a_marker_becomes_markup() {
        let evil = "\"><script>alert(1)</script>";
        for marker in [
            Marker::Question(evil.into()),
            Marker::Run(evil.into()),
            Marker::Page(evil.into()),
            Marker::Exercise(evil.into()),
        ] {
            let html = html(&marker, &Questions::default(), "/");
            assert!(!html.contains("<script"), "{html}");
        }
    }
}
