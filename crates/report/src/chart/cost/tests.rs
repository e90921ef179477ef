use feedlab_feed::Transport;

use super::*;

fn curve(label: &str, transport: Transport, cost_of: impl Fn(f64) -> f64) -> Curve {
    let points = (0..=12).map(|step| 10f64.powf(f64::from(step) / 2.0)).map(|n| (n, cost_of(n)));
    Curve { label: label.to_owned(), transport, points: points.collect() }
}

fn panels() -> Vec<Panel> {
    let cores = Panel {
        title: "server CPU".to_owned(),
        unit: Unit::Cores,
        curves: vec![
            curve("short polling, 1 s", Transport::ShortPolling, |n| 0.02 + 1e-5 * n),
            curve("short polling, 250 ms, keep-alive off", Transport::ShortPolling, |n| 0.02 + 9e-5 * n),
            curve("<SSE>", Transport::Sse, |n| 0.01 + 3e-5 * n),
            curve("WebSocket", Transport::WebSocket, |_| 0.0),
        ],
        crossings: vec![Crossing {
            clients: 499.6,
            cost: 0.025,
            labels: ("<SSE>".to_owned(), "short polling, 1 s".to_owned()),
        }],
    };
    let bytes = Panel {
        title: "server memory".to_owned(),
        unit: Unit::Bytes,
        curves: vec![curve("<SSE>", Transport::Sse, |n| 4e6 + 17_000.0 * n)],
        crossings: Vec::new(),
    };
    let bits = Panel { title: "bandwidth".to_owned(), unit: Unit::BitsPerSecond, ..bytes.clone() };
    vec![cores, bytes, bits]
}

#[test]
fn crossings_and_free_contenders_are_listed_below_the_panel() {
    let svg = cost_chart(&panels(), "What a million clients cost").unwrap();
    let text = svg.replace('\u{a0}', " ");
    for text_part in [
        "What a million clients cost",
        "1: short polling, 1 s is cheaper than &lt;SSE&gt; from 500 clients",
        "Costs nothing: WebSocket",
        "fully busy CPU cores",
        "10 GiB",
        "1 Gbit/s",
        "100k",
        "1M",
    ] {
        assert!(text.contains(text_part), "{text_part}");
    }
    assert!(svg.starts_with("<svg xmlns") && !svg.contains("<SSE>") && svg.trim_end().ends_with("</svg>"));
}

#[test]
fn a_contender_looks_as_in_every_other_chart() {
    let curves = &panels()[0].curves;
    let looks = looks(curves);
    assert_eq!(looks[0], Look::of(Transport::ShortPolling, 0));
    assert_eq!(looks[1], Look::of(Transport::ShortPolling, 1));
    assert_eq!(looks[3], Look::of(Transport::WebSocket, 0));
}

#[test]
fn what_cannot_be_drawn_is_left_out() {
    let mut panels = panels();
    panels[1].curves[0].points = vec![(0.0, 1.0), (10.0, f64::NAN), (f64::INFINITY, 3.0)];
    panels[2].curves.clear();
    panels[0].crossings[0].cost = 0.0;
    let svg = cost_chart(&panels, "").unwrap();
    assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("is cheaper than"), "{svg}");
    assert!(cost_chart(&[], "nothing").unwrap().contains("nothing"));
}
