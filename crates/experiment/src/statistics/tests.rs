use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::fixture;
use crate::summary::Entry;

const SOCKET: Metric = Metric::SocketBytesPerUpdate;

/// Pools cells of one contender; `ages` has the ages of each repetition.
fn pool_one(cells: &[CellRecord], ages: &[Histogram<u64>]) -> Entry {
    let histogram = |cell: &CellRecord| Ok::<_, Infallible>(ages[cell.repetition as usize - 1].clone());
    let mut entries = pool(&fixture::scenario(), cells, histogram).unwrap();
    assert_eq!(entries.len(), 1);
    entries.remove(0)
}

fn pooled_values(metric: Metric, values: &[f64]) -> Estimate {
    let cells: Vec<_> = (1..).zip(values).map(|(n, &value)| fixture::cell(n, &[(metric, value)])).collect();
    let none = vec![fixture::histogram([]); values.len()];
    pool_one(&cells, &none).metrics[&metric]
}

#[test]
fn each_metric_is_pooled_according_to_its_row() {
    for (metric, value) in [(Metric::UpdatesMissed, 7.0), (SOCKET, 3.5), (Metric::PublishLagP99, 5.0)] {
        assert_eq!(pooled_values(metric, &[2.0, 5.0]).value, value, "{metric}");
    }
}

#[test]
fn one_repetition_has_no_interval_and_identical_ones_have_one_of_no_width() {
    assert_eq!(pooled_values(SOCKET, &[3.0]), Estimate { value: 3.0, low: None, high: None });
    assert_eq!(pooled_values(SOCKET, &[3.0; 5]), Estimate { value: 3.0, low: Some(3.0), high: Some(3.0) });
}

#[test]
fn noisy_repetitions_have_a_reproducible_interval_around_their_mean() {
    let values = [10.0, 11.0, 9.0, 14.0, 8.0];
    let estimate = pooled_values(SOCKET, &values);
    let (low, high) = (estimate.low.unwrap(), estimate.high.unwrap());
    // Mean 10.4, standard error 1.03, Student's t with four degrees of freedom 2.776.
    assert!((low - 7.54).abs() < 0.2 && (high - 13.26).abs() < 0.2, "{estimate:?}");
    assert_eq!(pooled_values(SOCKET, &values), estimate);
}

#[test]
fn an_interval_reaches_below_zero_only_around_a_value_below_zero() {
    let shrunk = pooled_values(Metric::ServerRssGrowth, &[-4000.0, -9000.0, -5000.0]);
    assert!(shrunk.low.unwrap() < shrunk.value && shrunk.value < shrunk.high.unwrap(), "{shrunk:?}");
    let grown = pooled_values(Metric::ServerRssGrowth, &[10.0, 9000.0, 20.0]);
    assert_eq!(grown.low, Some(0.0), "{grown:?}");
}

#[test]
fn ages_below_the_worst_clock_bound_are_not_reported() {
    let ages = || fixture::histogram([vec![100; 900], vec![9_000; 100]].concat());
    let cells = [fixture::cell(1, &[(Metric::ClockBound, 50.0)]), fixture::cell(2, &[(Metric::ClockBound, 150.0)])];
    let metrics = pool_one(&cells, &[ages(), ages()]).metrics;
    assert_eq!(metrics.get(&Metric::AgeP50), None);
    assert!(metrics[&Metric::AgeP99].value >= 9_000.0);
    assert_eq!(metrics[&Metric::ClockBound].value, 150.0);
}

#[test]
fn percentiles_come_from_merged_histograms_not_from_averages() {
    let fast = fixture::histogram(vec![100; 900]);
    let slow = fixture::histogram(vec![100_000; 100]);
    let cells = [fixture::cell(1, &[]), fixture::cell(2, &[])];
    let metrics = pool_one(&cells, &[fast, slow]).metrics;
    assert_eq!(metrics[&Metric::AgeP50].value, 100.0);
    assert_eq!(metrics[&Metric::AgeP90].value, 100.0);
    assert!((metrics[&Metric::AgeP99].value / 100_000.0 - 1.0).abs() < 0.001);
    assert!((metrics[&Metric::AgeMean].value / 10_090.0 - 1.0).abs() < 0.001);
    assert_eq!(metrics[&Metric::AgeP50].low, Some(0.0));
    assert!(metrics[&Metric::AgeP50].high.unwrap() > 99_000.0, "both draws may be the slow repetition");
}

#[test]
fn a_percentile_needs_ten_samples_beyond_it() {
    for (samples, reported) in [(19, 0), (20, 1), (99, 1), (100, 2), (999, 2), (1000, 3), (9_999, 3), (10_000, 4)] {
        let metrics = age_metrics(&fixture::histogram(vec![5; samples]));
        let quantiles = [Metric::AgeP50, Metric::AgeP90, Metric::AgeP99, Metric::AgeP999];
        let present: Vec<_> = quantiles.iter().filter(|metric| metrics.contains_key(metric)).collect();
        assert_eq!(present, quantiles[..reported].iter().collect::<Vec<_>>(), "{samples} samples");
        assert!(metrics.contains_key(&Metric::AgeMean) && metrics.contains_key(&Metric::AgeMax));
    }
    assert!(age_metrics(&fixture::histogram([])).is_empty(), "no update has no age");
}

#[test]
fn unmeasured_metrics_are_absent_and_unmeasured_cells_have_no_entry() {
    let cells = [fixture::cell(1, &[(SOCKET, 4.0)]), fixture::cell(2, &[])];
    let entry = pool_one(&cells, &[fixture::histogram([]), fixture::histogram([])]);
    assert_eq!(entry.name(), "SSE, 50 clients");
    assert_eq!(entry.metrics.keys().collect::<Vec<_>>(), [&SOCKET]);
    assert_eq!(entry.metrics[&SOCKET], Estimate { value: 4.0, low: Some(4.0), high: Some(4.0) });
}

#[test]
fn the_error_of_an_unreadable_histogram_is_returned() {
    let cells = [fixture::cell(1, &[])];
    assert_eq!(pool(&fixture::scenario(), &cells, |_| Err("missing")), Err("missing"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_merge_of_parts_is_the_whole(parts in prop::collection::vec(prop::collection::vec(0u64..10_000_000, 0..60), 1..5)) {
        let whole = fixture::histogram(parts.iter().flatten().copied());
        let mut merged = crate::hlog::new_histogram();
        for part in &parts {
            merged.add(fixture::histogram(part.iter().copied())).unwrap();
        }
        prop_assert_eq!(&merged, &whole);
        let cells: Vec<_> = (1..=parts.len() as u32).map(|repetition| fixture::cell(repetition, &[])).collect();
        let histograms: Vec<_> = parts.iter().map(|part| fixture::histogram(part.iter().copied())).collect();
        prop_assert_eq!(age_values(&pool_one(&cells, &histograms)), age_metrics(&whole));
    }

    #[test]
    fn the_ages_agree_with_hdrhistogram(ages in prop::collection::vec(0u64..4_000_000_000, 20..300)) {
        let histogram = fixture::histogram(ages);
        let metrics = age_metrics(&histogram);
        for row in TABLE {
            let expected = match row.pooling {
                Pooling::AgeQuantile(quantile) => histogram.value_at_quantile(quantile) as f64,
                Pooling::AgeMean => histogram.mean(),
                _ => histogram.max() as f64,
            };
            if let Some(value) = metrics.get(&row.metric) {
                prop_assert!((value - expected).abs() <= 1e-9 * expected, "{}: {} {}", row.id, value, expected);
            }
        }
    }
}

fn age_values(entry: &Entry) -> BTreeMap<Metric, f64> {
    entry.metrics.iter().map(|(metric, estimate)| (*metric, estimate.value)).collect()
}
