use feedlab_experiment::class::Questions;

use super::*;
use crate::exercise::Exercise;

const QUESTIONS: &str = r#"
[[question]]
id = "late"
chapter = "a"
text = "How late is an update over `short polling`?"
because = "It waits for the next question."
[[question.choice]]
"#;

fn questions() -> Questions {
    let text = QUESTIONS.replace("[[question.choice]]", "")
        + "choices = [{ id = \"half\", text = \"half an interval\", right = true }, { id = \"none\", text = \"not at all\" }]";
    toml::from_str(&text).unwrap()
}

fn page(text: &str) -> Page {
    Chapter::new("a", text.to_owned()).page(&questions(), "/")
}

#[test]
fn a_question_becomes_a_form_and_its_repetition_is_removed() {
    let page = page(
        "# A\n\n<!-- question: late -->\n\nHow late is an update\nover `short polling`?\n\n- half an interval\n- **not** at all\n\n- kept\n\nKept too.\n",
    );
    assert!(page.main.contains("data-question=\"late\"") && page.main.contains("value=\"half\""), "{}", page.main);
    assert!(!page.main.contains("<li>half"), "{}", page.main);
    assert!(page.main.contains("Kept too."), "{}", page.main);
    assert_eq!(page.title, "A");
}

#[test]
fn an_unknown_question_is_reported_on_the_page() {
    let page = page("<!-- question: absent -->\n\n- stays\n");
    assert!(page.main.contains("no question `absent`") && page.main.contains("<li>stays"), "{}", page.main);
}

#[test]
fn headings_can_be_linked_to_as_on_github() {
    let main = page("# What, now?\n\n## `a` b\n\n## a b\n").main;
    for id in ["id=\"what-now\"", "id=\"a-b\"", "id=\"a-b-1\""] {
        assert!(main.contains(id), "{id}: {main}");
    }
}

#[test]
fn links_and_pictures_resolve_to_pages_of_this_server() {
    let main = page("[code](../../crates/server/src/hub.rs) ![p](../images/report.png)\n").main;
    assert!(main.contains("href=\"/workshop/source/crates/server/src/hub.rs\""), "{main}");
    assert!(main.contains("src=\"/workshop/source/docs/images/report.png\""), "{main}");
}

#[test]
fn code_is_shown_with_line_ids_and_none_of_it_is_markup() {
    let Some(Source::Page(page)) = source("crates/server/src/hub.rs", "/") else { panic!("it is there") };
    assert!(page.main.contains("id=\"L1\"") && page.main.contains("RwLock&lt;"), "{}", &page.main[..500]);
    assert!(matches!(source("docs/images/report.png", "/"), Some(Source::Picture("image/png", _))));
    assert!(matches!(source("crates/server/src/transport", "/"), Some(Source::Page(_))));
    for absent in ["", "..", "docs/../Cargo.toml", "/etc/passwd", "crates/server/Cargo.toml", "docs//wire.md"] {
        assert_eq!(source(absent, "/"), None, "{absent}");
    }
}

#[test]
fn every_page_of_the_documentation_is_in_the_binary() {
    let docs = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).unwrap();
    for name in docs.map(|entry| entry.unwrap().file_name().into_string().unwrap()).filter(|name| name.ends_with(".md"))
    {
        assert!(library::text(&format!("docs/{name}")).is_some(), "docs/{name} is not in the list of pages");
    }
}

/// Returns all texts of the workshop, with their paths.
fn texts() -> Vec<(String, String)> {
    let paths = library::listing("docs/workshop").into_iter().filter(|path| path.ends_with(".md"));
    paths.map(|path| (path.clone(), library::text(&path).unwrap())).collect()
}

#[test]
fn every_link_of_every_text_has_a_target() {
    let mut nowhere = Vec::new();
    for (path, text) in texts() {
        let page = render::page(&path, &text, &super::questions().unwrap(), "/");
        for attribute in ["href=\"", "src=\""] {
            for link in page.main.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                if !link::has_target(link) {
                    nowhere.push(format!("{path} links to {link}"));
                }
            }
        }
    }
    assert_eq!(nowhere, [""; 0]);
}

#[test]
fn every_marker_of_every_chapter_names_what_is_there() {
    let questions = super::questions().unwrap();
    let mut asked = Vec::new();
    for (path, text) in texts() {
        for marker in text.split("<!--").skip(1).filter_map(|rest| rest.split("-->").next()) {
            match marker::of(&format!("<!--{marker}-->")) {
                Some(marker::Marker::Question(id)) => {
                    let question = questions.question.iter().find(|question| question.id == id);
                    let question =
                        question.unwrap_or_else(|| panic!("{path} asks `{id}`, which questions.toml has not"));
                    assert_eq!(format!("docs/workshop/{}.md", question.chapter), path, "of `{id}`");
                    asked.push(id);
                }
                Some(marker::Marker::Run(scenario)) => {
                    assert!(scenario.starts_with("scenarios/workshop/"), "{path} runs {scenario}");
                    assert!(library::file(&scenario).is_some(), "{path} runs {scenario}, which is not there");
                }
                Some(marker::Marker::Exercise(name)) => assert!(Exercise::find(&name).is_ok(), "{path} has `{name}`"),
                Some(marker::Marker::Page(_)) | None => {}
            }
        }
    }
    for question in &questions.question {
        assert!(asked.contains(&question.id), "no chapter asks `{}`", question.id);
    }
}

#[test]
fn w6_the_box_of_an_exercise_holds_its_own_commands_and_starts_no_other() {
    let mut boxes = 0;
    for (path, text) in texts() {
        let page = render::page(&path, &text, &super::questions().unwrap(), "/").main;
        for section in page.split("<section class=\"exercise\" id=\"exercise-").skip(1) {
            let name = section.split('"').next().unwrap();
            let inside = section.split("</section>").next().unwrap();
            let commands: Vec<&str> =
                inside.lines().filter_map(|line| line.split("feedlab workshop ").nth(1)).collect();
            assert_eq!(commands.len(), 4, "{path}, {name}: {inside}");
            for (command, step) in commands.iter().zip(["check", "hint", "watch", "reset"]) {
                assert!(command.starts_with(&format!("{step} {name} ")), "{path}, {name}: {command}");
            }
            assert!(commands[3].contains("only to start over"), "{path}, {name}");
            boxes += 1;
        }
        assert!(!page.contains("workshop next ") || path.ends_with("/exercises.md"), "{path}");
    }
    assert_eq!(boxes, Exercise::ALL.len(), "each exercise has a box in one chapter");
}

#[test]
fn w6_what_to_look_for_is_linked_to_its_line() {
    let page = page(
        "Look for `Slots` and `skipped` in\n[a file](../../crates/loadgen/src/transport/short_polling.rs), and\nlook for `Slots` \
         there. Look for `absent` there. Look for `Slots` in `other.rs`. A [file](../wire.md) `Slots`.\n",
    );
    let code = library::text("crates/loadgen/src/transport/short_polling.rs").unwrap();
    let line = 1 + code.lines().position(|line| line.contains("struct Slots")).unwrap();
    let to = format!("<a href=\"/workshop/source/crates/loadgen/src/transport/short_polling.rs#L{line}\">");
    assert_eq!(page.main.matches(&format!("{to}<code>Slots</code></a>")).count(), 2, "{}", page.main);
    assert!(page.main.contains(&format!("{to}a file</a>")), "{}", page.main);
    assert!(
        page.main.contains("for <code>absent</code> there") && page.main.contains("wire.md\">file"),
        "{}",
        page.main
    );
}

#[test]
fn w6_every_name_to_look_for_in_the_chapters_has_a_link() {
    let (mut links, mut without) = (0, Vec::new());
    for (path, text) in texts() {
        let page = render::page(&path, &text, &super::questions().unwrap(), "/").main.replace('\n', " ");
        links += page.matches("\"><code>").count();
        // A name in a browser's file that the workshop does not serve has none.
        let plain = page.split("ook for <code>").skip(1).filter(|rest| !rest.contains("</code> in <code>"));
        without.extend(plain.map(|rest| format!("{path}: {}", &rest[..rest.len().min(60)])));
    }
    assert_eq!(without, [""; 0]);
    assert!(links > 80, "only {links} links");
}

#[test]
fn w6_a_chapter_has_contents_and_its_two_lists_are_set_off() {
    let main = page(
        "# A\n\n**After this chapter you can:**\n\n- a\n\n## One\n\n## Two <x>\n\n## `Three`\n\n**Key points:**\n\n- b\n\nNext.\n",
    )
    .main;
    let contents = "<nav class=\"contents\" aria-label=\"On this page\"><ul><li><a href=\"#one\">One</a></li>";
    let (before, after) = main.split_once(contents).unwrap_or_else(|| panic!("{main}"));
    assert!(before.contains("<section class=\"objectives\" aria-label=\"After this chapter you can\">"), "{before}");
    assert!(before.contains("<li>a</li>\n</ul>\n</section>") && after.contains("<h2 id=\"one\">One</h2>"), "{main}");
    assert!(after.contains("<section class=\"key-points\"") && after.contains("</section>\n<p>Next.</p>"), "{main}");
    assert!(!page("# A\n\n## One\n\n## Two\n").main.contains("<nav"), "two headings need no contents");
}

#[test]
fn no_chapter_has_the_name_of_another_route() {
    for chapter in all() {
        let is_taken = ["class", "votes", "runs", "source", "page"].contains(&chapter.name.as_str());
        assert!(!is_taken && chapter.text.starts_with("# "), "{}", chapter.name);
    }
}
