//! The sentences of the report.

use super::*;

/// The titles of the charts, read from the standalone pictures.
fn titles(report: &Report) -> String {
    let title = |svg: &str| svg.split("<title id=").nth(1)?.split_once('>')?.1.split_once('<').map(|t| t.0.to_owned());
    report.charts.iter().filter_map(|(_, svg)| title(svg)).collect::<Vec<_>>().join("\n")
}

/// Headline, titles and the sentences of the page.
fn words(report: &Report) -> String {
    let between = |from: &str, to: &str| {
        let rest = report.html.split_once(from).unwrap().1;
        let text = rest.split_once(to).unwrap().0.replace('\u{a0}', " ");
        let lines = text.split(['<', '>']).skip(1).step_by(2).map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("\n")
    };
    let finding = between("<section class=\"finding\"", "</section>");
    let differences = match report.html.contains("id=\"differences\"") {
        true => between("<h3 id=\"differences\"", "</ul>") + "\n---\n",
        false => String::new(),
    };
    let caveats = between("<aside class=\"caveats\"", "</aside>");
    format!("{finding}\n---\n{differences}{caveats}\n---\n{}", titles(report))
}

#[test]
fn a_single_repetition_is_pointed_out() {
    insta::assert_snapshot!(words(&report(&scenario("[10]", "[256]", 1), known)));
}

#[test]
fn intervals_that_overlap_show_no_difference() {
    let alike = |contender: &Contender, cell: &Cell| {
        let mut fixture = varied(contender, cell);
        fixture.ages = vec![vec![500 + 10 * u64::from(cell.repetition); 100]; 6];
        let bytes = 300.0 + f64::from(cell.repetition);
        fixture.metrics.insert(Metric::SocketBytesPerUpdate, bytes);
        fixture
    };
    let report = report(&scenario("[10]", "[256]", 3), alike);
    assert!(
        report.headline.starts_with("No difference shown at the median: all four are 520 µs behind."),
        "{}",
        report.headline
    );
    assert!(
        titles(&report).contains("No difference shown: an update takes 302 B on the socket"),
        "{}",
        titles(&report)
    );
    assert!(!report.html.contains("no interval can be given"));
}

#[test]
fn a_sweep_says_where_its_sentences_hold() {
    let crowded = |contender: &Contender, cell: &Cell| {
        let mut fixture = known(contender, cell);
        let slower = u64::from(cell.clients) / 10;
        fixture.ages.iter_mut().flatten().for_each(|age| *age *= slower);
        fixture
    };
    insta::assert_snapshot!(words(&report(&scenario("[10, 50]", "[64, 4096]", 1), crowded)));
}

#[test]
fn missed_updates_appear_in_the_headline() {
    let lossy = |contender: &Contender, cell: &Cell| {
        let mut fixture = known(contender, cell);
        if contender.transport() == Transport::LongPolling {
            fixture.metrics.extend([(Metric::UpdatesMissed, 3.0), (Metric::UpdatesReordered, 1.0)]);
        }
        fixture
    };
    let report = report(&scenario("[10]", "[256]", 1), lossy);
    let expected = "Long polling missed 3 of 600 updates and received 1 update out of order.";
    assert!(report.headline.starts_with(expected), "{}", report.headline);
    assert!(report.html.contains("3 of 4 checks passed, 1 failed."), "the threshold is counted");
}

#[test]
fn one_contender_is_compared_with_nothing() {
    let scenario = scenario("[10]", "[256]", 1);
    let alone = scenario.split("contender = [").next().unwrap().to_owned() + "contender = [{ transport = \"sse\" }]";
    insta::assert_snapshot!(words(&report(&alone, known)));
}

#[test]
fn without_updates_nothing_is_claimed_about_freshness() {
    insta::assert_snapshot!(words(&report(&scenario("[10]", "[256]", 1), |_, _| silent())));
}

#[test]
fn a_contender_that_received_nothing_is_named() {
    let one_silent = |contender: &Contender, cell: &Cell| match contender.transport() {
        Transport::Sse => silent(),
        _ => known(contender, cell),
    };
    let report = report(&scenario("[10]", "[256]", 1), one_silent);
    insta::assert_snapshot!(report.headline);
}

#[test]
fn an_invalid_measurement_finds_nothing() {
    let invalid_run = |contender: &Contender, cell: &Cell| CellFixture { verdict: invalid(), ..known(contender, cell) };
    let report = report(&scenario("[10]", "[256]", 1), invalid_run);
    assert_eq!(
        report.headline,
        "The measurement is invalid and shows nothing about the transports: in every cell: timers were <late>."
    );
    assert_eq!(titles(&report).lines().filter(|title| title.ends_with(": invalid measurement")).count(), 5);
    for (name, svg) in &report.charts {
        let hues = ["#D55E00", "#CC79A7", "#009E73", "#0072B2"].iter().filter(|hue| svg.contains(**hue)).count();
        assert_eq!(hues, 0, "{name} is gray");
    }
}

#[test]
fn a_peak_names_its_second() {
    let stalled = |contender: &Contender, cell: &Cell| {
        let mut fixture = known(contender, cell);
        if contender.transport() == Transport::WebSocket {
            fixture.ages[3] = vec![50_000; 100];
        }
        fixture
    };
    let titles = titles(&report(&scenario("[10]", "[256]", 1).replace("6s", "9s"), stalled));
    let expected = "WebSocket&apos;s oldest update peaks at 50 ms in second 4, 100 times that of its middle second";
    assert_eq!(titles.lines().nth(1), Some(expected.replace("&apos;", "'").as_str()));
}

#[test]
fn repetitions_show_which_contenders_differ() {
    insta::assert_snapshot!(words(&realistic_report(&[50], |fixture| fixture)));
}

/// The intervals overlap, but a difference is shown: the title follows the difference.
#[test]
fn title_and_differences_agree() {
    let close = |contender: &Contender, cell: &Cell| {
        let mut fixture = known(contender, cell);
        let age = match contender.transport() {
            Transport::WebSocket => [600, 650, 660, 670][cell.repetition as usize - 1],
            _ => [500, 505, 510, 605][cell.repetition as usize - 1],
        };
        fixture.ages = vec![vec![age; 100]; 6];
        fixture
    };
    let (_folder, results) = run(&scenario("[10]", "[256]", 4), close);
    let p50 = |entry: usize| results.summary.contenders[entry].metrics[&Metric::AgeP50];
    assert!(p50(2).high > p50(3).low, "the intervals overlap");
    let report = render(&results).unwrap();
    assert!(report.html.contains(" is fresher than WebSocket: p50 by"));
    assert!(report.headline.starts_with("All four are"), "{}", report.headline);
}

#[test]
fn a_peak_next_to_a_fault_names_the_fault() {
    let (_folder, results) = failing::results();
    let titles = titles(&render(&results).unwrap());
    let expected = "SSE's oldest update peaks at 897 ms in second 10, 5.3 times that of its middle second; the fault \
                    \"refused\" occurred at 9 s";
    assert_eq!(titles.lines().nth(2), Some(expected), "after the checks and the ages");
    let html = render(&results).unwrap().html.replace('\u{a0}', " ");
    assert!(html.contains("Faults: cut every 2 s from 2 s; refused at 9 s for 1 s; kill at 15 s for 500 ms."));
}
