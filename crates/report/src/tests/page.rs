//! The page as a document: self-contained, escaped, and usable without a picture.

use super::*;

fn html() -> String {
    report(&scenario("[10, 20]", "[256]", 2), varied).html
}

#[test]
fn the_page_loads_nothing_and_runs_only_its_own_script() {
    for html in [html(), render(&failing::results().1).unwrap().html] {
        for forbidden in ["http://", "https://", "javascript:", "<link", "<img", "@import", "url(", " onload", "src="] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
        let policy = format!("default-src 'none'; style-src 'unsafe-inline'; script-src {}\"", crate::SCRIPT_SOURCE);
        assert!(html.contains(&policy), "{html:.900}");
        assert_eq!(html.matches("<script").count(), 1);
        assert!(html.contains(&format!("<script>{}</script>", crate::page::SCRIPT)), "the hash is that of every byte");
    }
}

/// Where people look first: the answer, the chart that carries it, what limits it, and then the rest.
#[test]
fn the_answer_comes_first_then_its_chart_and_what_limits_it() {
    let html = html();
    let order = [
        "class=\"finding\"",
        "id=\"age-ecdf\"",
        "id=\"verdict\"",
        "id=\"caveats\"",
        "id=\"expected\"",
        "id=\"contenders\"",
        "id=\"charts\"",
        "id=\"bytes\"",
        "id=\"conditions\"",
        "id=\"glossary\"",
    ];
    let places: Vec<usize> = order.iter().map(|it| html.find(it).unwrap_or_else(|| panic!("{it}"))).collect();
    assert!(places.is_sorted(), "{order:?} at {places:?}");
}

/// What belongs to a contender is in groups that a script can switch off, under the number of its button.
#[test]
fn every_part_of_a_picture_belongs_to_a_contender_with_a_button() {
    let html = realistic_report(&[10, 20], |fixture| fixture).html;
    for (index, label) in ["short polling, 1 s", "SSE", "WebSocket"].into_iter().enumerate() {
        let button = html.split("<button type=\"button\" aria-pressed=\"true\" data-of=\"").skip(1);
        let button = button.filter(|it| it.split("</button>").next().unwrap().ends_with(&format!("</svg> {label}")));
        let of: Vec<&str> = button.map(|it| it.split('"').next().unwrap()).collect();
        assert_eq!(of.len(), 1, "{index} {label}");
        for figure in html.split("<figure").skip(1) {
            let parts = figure.matches(&format!("<g data-part=\"{}\">", of[0])).count();
            assert!(parts >= 2, "{label} in the wide and the narrow picture of {figure:.60}");
        }
    }
    assert!(!html.contains(&i32::MIN.to_string()), "no sign of a part is left");
    let alone = scenario("[10]", "[256]", 1);
    let alone = alone.split("contender = [").next().unwrap().to_owned() + "contender = [{ transport = \"sse\" }]";
    assert!(!report(&alone, known).html.contains("class=\"switches\""), "one contender is not switched off");
}

#[test]
fn text_of_the_scenario_is_escaped_everywhere() {
    let invalid_run = |contender: &Contender, cell: &Cell| CellFixture { verdict: invalid(), ..known(contender, cell) };
    let labeled = scenario("[10]", "[256]", 1)
        .replace("{ transport = \"sse\" }", "{ transport = \"sse\", label = \"<i>&\\\"SSE\\\"\" }");
    let report = report(&labeled, invalid_run);
    assert!(!report.html.contains("<b>really") && !report.html.contains("<late>") && !report.html.contains("<i>"));
    assert!(report.html.contains("&#60;b&#62;really"));
    for (name, svg) in &report.charts {
        assert!(!svg.contains("<i>") && svg.contains("&lt;i&gt;"), "{name}");
    }
}

#[test]
fn tags_are_closed_and_ids_are_unique() {
    for html in [html(), render(&failing::results().1).unwrap().html] {
        check_well_formed(&html);
    }
}

pub(super) fn check_well_formed(html: &str) {
    for tag in
        ["section", "figure", "table", "tr", "td", "th", "details", "dl", "dt", "dd", "svg", "ul", "li", "p", "div"]
    {
        let open = html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(open, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let unique: std::collections::BTreeSet<&&str> = ids.iter().collect();
    assert_eq!(ids.len(), unique.len());
    let named = html.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let dangling: Vec<&str> = named.flat_map(str::split_whitespace).filter(|id| !ids.contains(id)).collect();
    assert!(dangling.is_empty(), "{dangling:?}");
}

#[test]
fn every_chart_has_words_and_figures() {
    let html = html();
    assert_eq!(html.matches("<figure").count(), 5);
    assert_eq!(html.matches("role=\"img\"").count(), 10, "wide and narrow");
    assert_eq!(html.matches("<desc").count(), 10);
    assert_eq!(html.matches("<summary>The figures of this chart").count(), 5);
    assert!(html.contains("lang=\"en\"") && html.contains("class=\"skip\"") && html.contains("prefers-color-scheme"));
}

/// Every chart has one visible sentence on how to read it, which also starts its text alternative.
pub(super) fn check_reading_hints(html: &str) {
    let figures: Vec<&str> =
        html.split("<figure").skip(1).filter_map(|rest| Some(rest.split_once("</figure>")?.0)).collect();
    assert!(figures.len() >= 4);
    for figure in figures {
        let said = figure.split("<b>How to read this:</b> ").nth(1).and_then(|rest| rest.split("</p>").next());
        let said = said.unwrap_or_else(|| panic!("no hint on how to read {figure:.200}"));
        assert!(said.ends_with('.') && !said.contains(". ") && said.len() > 40, "one sentence: {said}");
        let pictures = figure.matches("<svg").count();
        let heard = figure.split("<desc").skip(1).filter(|desc| desc.split_once('>').unwrap().1.starts_with(said));
        assert!(pictures > 0 && heard.count() == pictures, "screen readers say it too: {said}");
    }
}

#[test]
fn every_chart_explains_how_to_read_it() {
    for html in
        [html(), render(&failing::results().1).unwrap().html, realistic_report(&[10, 20], |fixture| fixture).html]
    {
        check_reading_hints(&html);
    }
}

/// G2: instead of a panel of equal bars there is a line of text.
#[test]
fn a_cost_that_is_the_same_for_all_is_a_line_of_text() {
    let report = realistic_report(&[10], |fixture| fixture);
    let html = report.html.replace('\u{a0}', " ");
    assert!(html.contains("All five contenders: 4.49 KiB (kernel memory per connection) and 1 ("), "{html}");
    let costs = &report.charts.iter().find(|(name, _)| name == "connection-cost.svg").unwrap().1;
    assert!(costs.contains("resident memory") && !costs.contains("open descriptors"));
}

/// G2: whole words on as many lines as they need, and no ellipsis.
#[test]
fn no_label_of_sixty_characters_is_cut() {
    let label = "a label of sixty characters that is longer than most columns";
    let mut labeled = failing::scenario(1);
    labeled.contenders[3].label = label.to_owned();
    let folder = tempfile::tempdir().unwrap();
    let results = run::results_of(folder.path(), labeled, None, failing::fixture);
    for (name, svg) in render(&results).unwrap().charts {
        // The bands of the checks are written with one.
        assert!(name == "checks.svg" || !svg.contains('…'), "{name} cuts a text");
    }
}

/// G4: everything that a chart shows is there for other programs, without a script.
#[test]
fn every_chart_has_its_data_as_csv_and_values_under_the_pointer() {
    let html = realistic_report(&[10], |fixture| fixture).html;
    let figures: Vec<&str> = html.split("<figure").skip(1).collect();
    for figure in figures {
        assert!(figure.contains("href=\"data:text/csv;charset=utf-8,") && figure.contains(".csv\">"), "{figure:.100}");
        assert!(figure.matches("class=\"hover\"").count() >= 10, "{figure:.100}");
    }
    assert!(html.contains("\nSSE: 50 %") || html.contains("\nSSE: 100 %"));
}

#[test]
fn inline_pictures_take_the_colors_of_the_page() {
    let report = report(&scenario("[10]", "[256]", 1), known);
    assert!(report.html.contains("svg [stroke=\"#D55E00\"]{stroke:var(--vermillion)}"));
    let inline = report.html.split("<svg").nth(1).unwrap();
    assert!(inline.contains("\"#D55E00\"") && !inline.split("</svg>").next().unwrap().contains("xmlns"));
    for (name, svg) in &report.charts {
        assert!(!svg.contains("var(") && svg.contains("fill=\"#FFFFFF\""), "{name} is drawn on white");
    }
}

#[test]
fn the_page_states_the_conditions_and_how_to_repeat_the_run() {
    let html = html().replace('\u{a0}', " ");
    for text in [
        "Example CPU @ 2.00GHz, 2 cores",
        "synthetic: 10 updates per second evenly spaced, payload 256 B",
        "2026-11-21 12:00:30 UTC",
        "revision <code>0123abc</code>",
        "cargo run --release -- run scenario.toml",
        "contender = [",
        "histograms/*.hlog",
        "<code>socket_bytes_per_update</code>",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(!html.contains("kernel_bytes_per_connection"), "the glossary has only what was measured");
}

#[test]
fn the_scenario_is_shown_as_it_was_written() {
    let text = scenario("[10]", "[256]", 1) + "# a note: 1 < 2 & \"so on\"\n";
    let html = report(&text, known).html;
    let shown = html.split("aria-label=\"The scenario as it was run\" tabindex=\"0\"><code>").nth(1).unwrap();
    let shown = shown.split_once("</code></pre>").unwrap().0;
    let escapes = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    assert_eq!(escapes.iter().fold(shown.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain)), text);
    assert!(html.contains("<code>scenario.toml</code></dt>") && !html.contains("which is not in this folder"));
}

#[test]
fn what_a_folder_lacks_is_stated_and_not_made_up() {
    let (_folder, mut results) = run(&scenario("[10]", "[256]", 1), known);
    results.manifest.merged_from = vec!["one".to_owned(), "two".to_owned()];
    results.manifest.scenario.feed.source = Source::Replay { file: "feeds/a-week.ndjson".into(), speed: 1.0 };
    let html = render(&results).unwrap().html;
    assert!(
        html.contains("first of the 2 runs that were merged") && html.contains("<code>a-week.ndjson</code>, which")
    );
    results.scenario_file = None;
    let html = render(&results).unwrap().html;
    assert!(html.contains("made before runs kept their scenario file") && !html.contains("-- run scenario.toml"));
    assert!(!html.contains("<code>scenario.toml</code></dt>") && html.contains("<code>manifest.json</code></dt>"));
}

#[test]
fn a_report_is_the_same_every_time() {
    let (_folder, results) = run(&scenario("[10]", "[256]", 2), varied);
    assert_eq!(render(&results).unwrap().html, render(&results).unwrap().html);
}

#[test]
fn panels_and_columns_without_a_figure_are_left_out() {
    let plain = report(&scenario("[10]", "[256]", 1), known).html;
    assert!(!plain.contains("kernel memory per connection") && !plain.contains("TCP/IP"));
    let full = realistic_report(&[10], |fixture| fixture).html;
    for shown in ["kernel memory per connection", "handshake bytes", "first update p50", "open p50", "HTTP headers"] {
        // On the wide and on the narrow picture, and in the table of its figures.
        assert!(full.matches(&format!(">\n{shown}\n<")).count() + full.matches(shown).count() >= 3, "{shown}");
    }
    assert!(full.contains(">wire bytes<") && full.contains(">packets<") && full.contains(">keepalive<"));
}
