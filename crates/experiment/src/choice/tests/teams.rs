//! Twelve made-up teams, each with its answer and its reason, and the scenario that proves it.

use std::path::Path;

use feedlab_feed::Transport::{self, LongPolling, ShortPolling, Sse, WebSocket};

use super::super::*;
use crate::predict::{self, out_of_reach};
use crate::{Metric, Scenario};

/// A team, the best transports, and the criterion that decided; `None` if it is a tie.
const TEAMS: [(&str, &[Transport], Option<Criterion>); 12] = [
    ("alerts", &[Sse], Some(Criterion::Bytes)),
    ("chat", &[WebSocket], Some(Criterion::Bytes)),
    ("dashboard", &[Sse, WebSocket], None),
    ("game-state", &[WebSocket], Some(Criterion::Bytes)),
    ("live-score", &[Sse], Some(Criterion::Bytes)),
    ("llm-answer", &[WebSocket], Some(Criterion::Bytes)),
    ("news-feed", &[Sse, WebSocket], None),
    ("notifications", &[Sse], Some(Criterion::Bytes)),
    ("office-chat", &[ShortPolling], Some(Criterion::Bytes)),
    ("progress-bar", &[WebSocket], Some(Criterion::Bytes)),
    ("sensors", &[WebSocket], Some(Criterion::Money)),
    ("stock-ticker", &[Sse, WebSocket], None),
];

fn team(name: &str) -> Answer {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/choose/teams/{name}.toml"));
    let question = Question::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(question.name, name);
    answer(&question).unwrap()
}

#[test]
fn every_file_is_a_team_with_an_answer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/choose/teams");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), TEAMS.len());
    for (name, winners, decided) in TEAMS {
        let answer = team(name);
        assert_eq!(answer.winners, winners, "{name}: {:?}", answer.rankings);
        let last = answer.behind.last().map(|(_, criterion)| *criterion);
        let decisive = last.filter(|_| !answer.is_tie());
        assert_eq!(decisive, decided, "{name}");
        let (fit, behind) = (answer.candidates.iter().filter(|one| one.fits()).count(), answer.behind.len());
        assert_eq!(fit, winners.len() + behind, "{name}: everything that fits is the best or behind by something");
    }
}

/// What a run of the scenario predicts is what the choice says: age, and requests and bytes for each client.
#[test]
fn the_scenario_of_each_team_is_valid_and_says_the_same() {
    for (name, ..) in TEAMS {
        let answer = team(name);
        let proof = answer.proof(&[]).unwrap();
        let scenario = Scenario::parse(&proof.scenario, Path::new("choice.toml")).unwrap();
        assert_eq!(out_of_reach(&scenario), [], "{name}");
        assert_eq!(scenario.contenders.len(), answer.candidates.iter().filter(|one| one.fits()).count(), "{name}");
        if proof.pace > 1 || answer.question.has(Between::Nginx) || answer.question.has(Between::CorporateProxy) {
            continue;
        }
        for prediction in predict::of(&scenario) {
            let figures = answer.candidate(prediction.transport).unwrap().figures.unwrap();
            let metrics = &prediction.predicted.metrics;
            let near = |metric: Metric, expected: f64| {
                let Some(value) = metrics.get(&metric) else { return };
                let value = *value;
                assert!(
                    (value - expected).abs() <= 0.05 * expected,
                    "{name} {} {metric}: {value} {expected}",
                    prediction.label
                );
            };
            near(Metric::AgeP99, figures.age_p99_s * 1e6);
            let clients = scenario.measure.duration.as_secs_f64() * f64::from(prediction.clients);
            let per_s = answer.question.updates_per_s();
            let messages = figures.bytes_per_message.unwrap_or(0.0) * answer.question.sends;
            near(Metric::WireBytesPerUpdate, (figures.bytes_per_client_s - messages) / per_s);
            if answer.question.sends == 0.0 {
                near(Metric::Requests, figures.requests_per_s / answer.question.clients as f64 * clients);
            }
        }
    }
}

#[test]
fn the_second_experiment_is_a_valid_change_that_reaches_another_answer() {
    let mut reached = 0;
    for (name, ..) in TEAMS.into_iter().step_by(2) {
        let answer = team(name);
        let proof = answer.proof(&answer.crossings()).unwrap();
        let Some(second) = proof.second else { continue };
        reached += 1;
        let change = second.change.parse().unwrap();
        let file = Path::new("choice.toml");
        let (changed, _) = Scenario::changed(&proof.scenario, file, &[change]).unwrap();
        assert_ne!(changed, Scenario::parse(&proof.scenario, file).unwrap(), "{name}: {}", second.change);
        assert_ne!(second.winner, answer.winner(), "{name}: {}", second.change);
    }
    assert!(reached >= 5, "{reached} of six teams have a second experiment");
}

#[test]
fn every_team_has_something_to_do_in_practice() {
    for (name, ..) in TEAMS {
        let practice = team(name).practice();
        assert!(practice.len() >= 3, "{name}: {practice:?}");
    }
    let alerts = team("alerts").practice().join("\n");
    assert!(alerts.contains("X-Accel-Buffering: no") && alerts.contains("nginx"), "{alerts}");
    let excluded = team("office-chat").candidate(Sse).unwrap().exclusions.clone();
    assert!(matches!(excluded[..], [Exclusion::HeldBack { .. }]), "{excluded:?}");
    assert!(team("office-chat").candidate(LongPolling).unwrap().fits());
}
