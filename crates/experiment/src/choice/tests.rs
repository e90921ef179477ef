//! Tests of the whole answer: who wins and why, ties, exclusions, crossings, and questions that contradict themselves.

use std::time::Duration;

use feedlab_feed::Transport::{self, LongPolling, ShortPolling, Sse, WebSocket};
use proptest::prelude::*;

use super::*;

mod teams;

fn question(text: &str) -> Question {
    toml::from_str(text).unwrap()
}

fn answered(text: &str) -> Answer {
    answer(&question(text)).unwrap()
}

fn error(text: &str) -> String {
    answer(&question(text)).unwrap_err().to_string()
}

fn figures(answer: &Answer, transport: Transport) -> Figures {
    answer.candidate(transport).unwrap().figures.unwrap()
}

/// The bytes of an event and of a frame differ by less than the prediction is exact, and neither needs requests.
#[test]
fn a_tie_is_a_tie() {
    let answer = answered("rate = 10\nbudget = \"200ms\"\nrtt = \"40ms\"");
    assert_eq!(answer.winners, [Sse, WebSocket], "{:?}", answer.rankings);
    assert_eq!((answer.winner(), answer.is_tie()), (Some(Sse), true));
    let bytes = &answer.rankings[0];
    let places: Vec<_> = bytes.places.iter().map(|place| (place.place, place.transport)).collect();
    assert_eq!(places[..2].iter().map(|place| place.0).collect::<Vec<_>>(), [1, 1], "{places:?}");
    assert!(places[2].0 == 3, "{places:?}");
}

#[test]
fn rare_polls_are_the_cheapest_for_a_budget_of_minutes() {
    let often = answered("rate = 5\nbudget = \"5min\"\ncares_about = [\"bytes\"]");
    assert_eq!(often.winners, [ShortPolling]);
    let rare = answered("rate = 0.001\nbudget = \"2s\"\ncares_about = [\"bytes\"]");
    assert!(!rare.winners.contains(&ShortPolling), "{:?}", rare.rankings);
}

#[test]
fn polls_are_as_rare_as_the_budget_permits() {
    let answer = answered("budget = \"2s\"\nrtt = \"40ms\"");
    let polls = figures(&answer, ShortPolling);
    assert!(polls.age_p99_s <= 2.0 && polls.age_p99_s > 1.9, "{polls:?}");
    assert_eq!(answer.candidate(ShortPolling).unwrap().contender.label, "short polling, 1.97 s");
}

/// The prediction and the choice are the same arithmetic.
#[test]
fn figures_are_those_of_the_prediction() {
    let answer = answered("rate = 4\npattern = \"random\"\nrtt = \"100ms\"\nclients = 300\nbudget = \"3s\"");
    for transport in [Sse, WebSocket] {
        assert!((figures(&answer, transport).age_p99_s - 0.05).abs() < 1e-9);
        assert_eq!(figures(&answer, transport).requests_per_s, 0.0);
    }
    let polls = figures(&answer, ShortPolling);
    assert!((polls.requests_per_s - 300.0 / 2.94).abs() < 0.1, "{polls:?}");
    // E04: a cycle of R + e^(−λR)(1 − e^(−λH))/λ.
    let cycle = 0.1 + (-0.4f64).exp() * (1.0 - (-100.0f64).exp()) / 4.0;
    assert!((figures(&answer, LongPolling).requests_per_s / (300.0 / cycle) - 1.0).abs() < 1e-3);
}

#[test]
fn nothing_is_recommended_that_the_proxy_breaks() {
    let all = [
        (vec![], vec![]),
        (vec![Between::Nginx], vec![WebSocket]),
        (vec![Between::CorporateProxy], vec![Sse, WebSocket]),
    ];
    for (between, broken) in all {
        let answer = answer(&Question { between, budget: Duration::from_millis(300), ..Question::default() }).unwrap();
        for candidate in &answer.candidates {
            let blocked = candidate
                .exclusions
                .iter()
                .any(|one| matches!(one, Exclusion::NoUpgrade { .. } | Exclusion::HeldBack { .. }));
            assert_eq!(blocked, broken.contains(&candidate.transport), "{:?}", candidate.exclusions);
            assert!(!(blocked && answer.winners.contains(&candidate.transport)));
        }
    }
}

#[test]
fn an_idle_timeout_shortens_hold_and_keepalive_or_excludes() {
    let answer = answered("between = [\"idle timeout of 10s\"]\nrtt = \"1s\"\nbudget = \"5s\"");
    let label = &answer.candidate(LongPolling).unwrap().contender.label;
    assert_eq!(label, "long polling, hold 8 s");
    let answer = answered("between = [\"idle 2s\"]\nrtt = \"1s 600ms\"\nbudget = \"5s\"");
    let reasons = &answer.candidate(Sse).unwrap().exclusions;
    assert!(matches!(reasons[..], [Exclusion::IdleTooShort { .. }]), "{reasons:?}");
    assert_eq!(answer.winners, [ShortPolling]);
}

#[test]
fn a_budget_that_is_missed_says_by_how_much() {
    let answer = answered("poll_interval = \"5s\"\nrtt = \"0s\"\nbudget = \"2s\"");
    let reason = answer.candidate(ShortPolling).unwrap().exclusions[0].sentence();
    assert_eq!(reason, "updates are 4s 950ms old at p99, 2s 950ms over the budget of 2s");
    assert!(!answer.winners.contains(&ShortPolling));
}

#[test]
fn messages_cost_a_post_unless_they_are_frames() {
    let answer = answered("sends = 1\nclients = 100");
    let per_message = |transport| figures(&answer, transport).bytes_per_message.unwrap();
    assert!(per_message(Sse) > 2.0 * per_message(WebSocket));
    assert!((figures(&answer, Sse).requests_per_s - 100.0).abs() < 1e-9);
    assert_eq!(answer.winners, [WebSocket]);
    let busy = answered("sends = 60\nclients = 100\nrtt = \"200ms\"");
    let reasons = &busy.candidate(Sse).unwrap().exclusions;
    assert!(matches!(reasons[..], [Exclusion::MessagesQueue { .. }]), "{reasons:?}");
}

#[test]
fn money_follows_from_the_prices() {
    let answer = answered("prices = [\"1/GB\", \"40/server\"]");
    let polls = figures(&answer, Sse);
    let expected = polls.bytes_per_month * 1e-9 + 40.0 * polls.servers;
    assert!((polls.money_per_month.unwrap() - expected).abs() < 1e-6);
    assert_eq!(answer.rankings[0].criterion, Criterion::Money);
}

#[test]
fn a_question_that_contradicts_itself_says_what_and_the_remedy() {
    for (text, message) in [
        ("budget = \"50ms\"\nrtt = \"100ms\"", "raise the budget, or move the servers closer"),
        (
            "budget = \"80ms\"\nrtt = \"80ms\"\nchat = true\nsends = 1",
            "the way to the server and back alone takes 80ms",
        ),
        ("chat = true", "set `sends`"),
        ("chat = true\nsends = 1\npattern = \"steady\"", "remove `pattern`"),
        ("cares_about = [\"money\"]", "--price 0.09/GB"),
        ("cares_about = [\"age\", \"age\"]", "age is named twice"),
        ("between = [\"idle 5s\", \"idle 6s\"]", "an idle timeout is named twice"),
        ("browser = false\nheaders = \"browser\"", "remove one of them"),
        ("clients = 0", "`clients` is 0; it must be from 1 to 100,000,000"),
        ("rate = 0", "`rate` is 0/s"),
        ("rate = -1", "`rate` is -1/s"),
        ("rate = nan", "`rate` is NaN/s"),
        ("sends = -1", "`sends` is -1/s; it must be from 0/s"),
        ("rate = 10000\npayload = \"60 kB\"", "Mbit/s"),
        ("rate = 0.001\npattern = \"bursts of 1000\"", "the bursts are 11.6 days apart"),
        ("name = \"../x\"", "cannot name a scenario"),
    ] {
        assert!(error(text).contains(message), "{text}: {}", error(text));
    }
    let unknown = toml::from_str::<Question>("client = 5").unwrap_err().to_string();
    assert!(unknown.contains("unknown field `client`") && unknown.contains("`clients`"), "{unknown}");
}

#[test]
fn a_question_reads_back_as_it_is_written() {
    let question = question(
        "between = [\"nginx\", \"idle timeout of 60s\"]\npattern = \"bursts of 5\"\nprices = [\"0.09/GB\"]\n\
         payload = \"2 kB\"\nheaders = \"browser+cookies\"\npoll_interval = \"3s\"",
    );
    assert_eq!(toml::from_str::<Question>(&toml::to_string(&question).unwrap()).unwrap(), question);
    assert_eq!(question.payload_bytes, 2_000);
}

#[test]
fn the_answer_changes_at_a_crossing_and_not_before() {
    let answer = answered("rate = 1\nbudget = \"30s\"\nclients = 3000");
    let winner = answer.winner().unwrap();
    let mut found = 0;
    for nearest in answer.crossings() {
        for (crossing, factor) in
            nearest.below.iter().map(|one| (one, 0.995)).chain(nearest.above.iter().map(|one| (one, 1.005)))
        {
            found += 1;
            let at = |value| super::answer(&nearest.input.with(&answer.question, value)).ok();
            let is_best = |value| at(value).is_some_and(|other| other.winners.contains(&winner));
            assert!(!is_best(crossing.at), "{nearest:?}");
            assert!(is_best(crossing.at / factor), "{nearest:?}");
            assert!(!crossing.because.is_empty());
        }
    }
    assert!(found > 0, "something changes the answer");
}

#[test]
fn what_never_changes_the_answer_says_so() {
    let answer = answered("rate = 10\nbudget = \"200ms\"");
    let nearest = answer.nearest(Input::Deploys);
    assert_eq!((nearest.below, nearest.above), (None, None));
    assert_eq!(nearest.range, (0.01, 1_000.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any question has an answer or an error, and what is recommended fits.
    #[test]
    fn what_is_recommended_fits(
        rate in 1e-4f64..1e4, clients in 1u64..10_000_000, payload in 0usize..4_000, budget in 2u64..600_000,
        rtt in 0u64..2_000, sends in 0f64..50.0, pattern in 0u32..4, proxy in 0usize..4, timeout in 0u64..100,
    ) {
        let pattern = [Pattern::Steady, Pattern::Random, Pattern::Bursts(2), Pattern::Bursts(50)][pattern as usize];
        let mut between = [vec![], vec![Between::Nginx], vec![Between::CorporateProxy], vec![Between::Http2]][proxy].clone();
        between.extend((timeout > 0).then(|| Between::IdleTimeout(Duration::from_secs(timeout))));
        let question = Question {
            rate, clients, payload_bytes: payload, budget: Duration::from_millis(budget), rtt: Duration::from_millis(rtt),
            sends, pattern, between, ..Question::default()
        };
        if let Ok(answer) = answer(&question) {
            for winner in &answer.winners {
                let winner = answer.candidate(*winner).unwrap();
                prop_assert!(winner.fits());
                let figures = winner.figures.unwrap();
                prop_assert!(figures.age_p99_s <= budget as f64 * 1e-3 + 1e-9);
                prop_assert!(figures.bytes_per_client_s.is_finite() && figures.servers >= 1.0);
            }
            let fits = answer.candidates.iter().any(Candidate::fits);
            prop_assert_eq!(fits, answer.winner().is_some());
        }
    }
}
