//! Two runs side by side, as a page and as a summary.

use super::page::check_well_formed;
use super::*;
use crate::{markdown, render_pair};

/// The same run, in which SSE takes a third longer and sends more.
fn slower(contender: &Contender, cell: &Cell) -> CellFixture {
    let mut fixture = varied(contender, cell);
    if contender.transport() == Transport::Sse {
        fixture.ages.iter_mut().flatten().for_each(|age| *age = *age * 4 / 3);
        fixture.metrics.insert(Metric::SocketBytesPerUpdate, 400.0 + f64::from(cell.repetition));
    }
    fixture
}

fn two(repetitions: u32) -> [(tempfile::TempDir, Results); 2] {
    let scenario = scenario("[10]", "[256]", repetitions);
    let mut runs = [run(&scenario, varied), run(&scenario, slower)];
    runs[1].1.manifest.machine.kernel = "6.2.0".to_owned();
    runs[1].1.manifest.changes = vec!["measure.duration = <2 s>".to_owned()];
    runs[1].1.manifest.run = "20261122T120030Z-known".to_owned();
    runs
}

#[test]
fn both_runs_are_drawn_on_the_same_axes_after_what_changed() {
    let [(_a, a), (_b, b)] = two(3);
    let pair = render_pair(&a, &b).unwrap();
    let html = pair.html.replace('\u{a0}', " ");
    check_well_formed(&html);
    assert!(html.contains("B is worse than A in 3 figures, by more than 5 %."), "{html:.9000}");
    assert!(html.contains("SSE, 10 clients, socket bytes per update: B is"), "{html:.9000}");
    let order = ["class=\"finding\"", "id=\"differ\"", "id=\"age-ecdf\"", "id=\"verdict-A\"", "id=\"figures\""];
    let places: Vec<usize> = order.iter().map(|it| html.find(it).unwrap_or_else(|| panic!("{it}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(html.contains("<tr><th scope=\"row\">kernel</th><td>6.1.0</td><td>6.2.0</td></tr>"));
    assert!(html.contains("<td>nothing</td><td>measure.duration = &#60;2 s&#62;</td>"));
    let first = html.split("<figure").nth(1).unwrap().split("</svg>").next().unwrap();
    for text in ["A: SSE", "B: SSE", "A: WebSocket", "B: WebSocket"] {
        assert!(first.contains(text), "{text} is in the chart of ages");
    }
    assert_eq!(html.matches("<figure").count(), 5);
    assert_eq!(html.matches("data-of=\"7\">").count(), 1, "eight buttons, the last for B");
    let page = pair.write().unwrap();
    assert_eq!(page, b.folder.join(format!("report-with-{}.html", a.manifest.run)));
    assert!(!b.folder.join("report.html").exists(), "the report of a run stays as it is");
}

#[test]
fn one_repetition_gives_no_verdict_on_times() {
    let [(_a, a), (_b, b)] = two(1);
    let html = render_pair(&a, &b).unwrap().html.replace('\u{a0}', " ");
    assert!(html.contains("measured each cell once, so there is no interval"));
    let rows: Vec<&str> = html.split("<tr ").filter(|row| row.contains(">age p50</th>")).collect();
    assert!(rows.iter().any(|row| row.contains("measured only once, so it may be chance")), "{rows:?}");
    assert!(rows.iter().all(|row| !row.contains("class=\"failed\"") && !row.contains("class=\"passed\"")), "{rows:?}");
    assert!(html.contains("class=\"failed\""), "bytes are judged by their values");
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_reason() {
    let (_a, a) = run(&scenario("[10]", "[256]", 1), known);
    let (_b, b) = run(&scenario("[20]", "[256]", 1), known);
    for error in [render_pair(&a, &b).unwrap_err(), markdown::pair_summary(&a, &b).unwrap_err()] {
        let said = error.to_string();
        assert!(said.contains("different scenarios: clients.count is 10 in A and 20 in B"), "{said}");
    }
}

#[test]
fn an_invalid_run_shows_no_change() {
    let [(_a, a), _] = two(3);
    let invalid_run =
        |contender: &Contender, cell: &Cell| CellFixture { verdict: invalid(), ..slower(contender, cell) };
    let (_b, b) = run(&scenario("[10]", "[256]", 3), invalid_run);
    let html = render_pair(&a, &b).unwrap().html;
    assert!(html.contains("One of the two runs is invalid, so they show nothing about a change."));
    assert!(html.contains("Age of the updates: invalid measurement") && html.contains("class=\"void\""));
    let summary = markdown::pair_summary(&a, &b).unwrap();
    assert!(!summary.contains("| figure |") && summary.contains("timers were &lt;late&gt;"), "{summary}");
}

#[test]
fn a_summary_fits_a_pull_request_and_labels_stay_text() {
    let labeled = |repetitions| {
        scenario("[10]", "[256]", repetitions)
            .replace("{ transport = \"sse\" }", "{ transport = \"sse\", label = \"a|b `c` <i>@d\" }")
    };
    let (_a, a) = run(&labeled(3), varied);
    let (_b, mut b) = run(&labeled(3), slower);
    b.manifest.run = "20261122T120030Z-known".to_owned();
    let [one, two] = [markdown::summary(&a).unwrap(), markdown::pair_summary(&a, &b).unwrap()];
    for summary in [&one, &two] {
        assert!(summary.lines().count() <= 48, "{summary}");
        assert!(summary.contains("a\\|b \\`c\\` &lt;i&gt;@<!-- -->d") && !summary.contains("<i>"), "{summary}");
        assert!(summary.starts_with("### What does it cost, &lt;b&gt;really&lt;/b&gt;?\n"), "{summary}");
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        let rows: Vec<usize> = summary.lines().filter(|line| line.starts_with('|')).map(cells).collect();
        assert!(rows.len() >= 6 && rows.iter().all(|count| *count == rows[0]), "{summary}");
    }
    assert!(one.contains("What limits these claims:\n\n- Everything ran over"), "{one}");
    assert!(one.contains("feedlab run scenario.toml --seed ") && one.contains("Verdict: **valid**"), "{one}");
    assert!(two.contains(&format!("feedlab report {} 20261122T120030Z-known", a.manifest.run)), "{two}");
}
