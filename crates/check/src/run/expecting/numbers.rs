//! What is expected of the numbers of updates: their places in a feed, the same for all, and the bytes that they cost.

use std::collections::BTreeMap;

use super::{CaseRun, Miss, listed};
use crate::run::exchange::{Exchange, View, concat};

impl CaseRun<'_, '_> {
    pub(super) fn expect_same_seq(&self, of: &[String]) -> Result<(), Miss> {
        let expected = format!("each update has the same seq on {}", listed(of.iter().map(String::as_str), "and"));
        let mut seqs: BTreeMap<usize, (u64, &str)> = BTreeMap::new();
        let members: Vec<usize> = of.iter().flat_map(|name| self.members(name)).collect();
        for &index in &members {
            let exchange = &self.exchanges[index];
            let miss = |came: String| Miss { expected: expected.clone(), came, exchange: Some(index) };
            let found = self.seqs(exchange).map_err(miss)?;
            for (update, seq) in found {
                let (first, on) = *seqs.entry(update).or_insert((seq, &exchange.name));
                if first != seq {
                    let name = &self.updates[update].name;
                    return Err(miss(format!("update {name} has seq {first} on {on}, and {seq} on {}", exchange.name)));
                }
            }
        }
        for &index in &members {
            let exchange = &self.exchanges[index];
            let found = self.seqs(exchange).unwrap_or_default();
            if let Some((missing, (_, on))) = seqs.iter().find(|(update, _)| !found.contains_key(update)) {
                let came = format!("update {} is on {on}, but not on {}", self.updates[*missing].name, exchange.name);
                return Err(Miss { expected, came, exchange: Some(index) });
            }
        }
        Ok(())
    }

    /// The numbers of the case's updates on an exchange.
    fn seqs(&self, exchange: &Exchange) -> Result<BTreeMap<usize, u64>, String> {
        let observed = self.observed(exchange, &exchange.view());
        let mut seqs = BTreeMap::new();
        for item in &observed.items {
            for update in self.indexes(item) {
                let no_seq = || format!("update {} has no seq on {}", self.updates[update].name, exchange.name);
                seqs.insert(update, item.seq.ok_or_else(no_seq)?);
            }
        }
        if seqs.is_empty() { Err(format!("no update of this case on {}", exchange.name)) } else { Ok(seqs) }
    }

    pub(super) fn expect_cost(&self, of: &str, at_most: u64, updates: u32) -> Result<(), Miss> {
        let expected = format!("at most {at_most} bytes for each of {updates} updates beyond its own text");
        self.each_now(of, &expected, |exchange, view| {
            let arrivals = self.arrivals(&self.observed(exchange, view));
            let own: usize = arrivals.iter().map(|arrival| self.updates[arrival.update].data.len()).sum();
            let all = self.bytes_of_updates(view);
            let overhead = (all.saturating_sub(own) as u64).div_ceil(u64::from(updates.max(1)));
            let came = format!("{overhead} bytes ({all} in total, {own} of them the updates' own text)");
            (overhead > at_most).then_some(came)
        })
    }

    /// The bytes received for what this case published, with the head of the answer. The body of a stream may begin with
    /// what was published before, which is another case's cost.
    fn bytes_of_updates(&self, view: &View) -> usize {
        let Some(first) = self.updates.iter().map(|update| update.at).min() else { return view.received.total };
        let (before, since): (Vec<_>, Vec<_>) = view.received.chunks.iter().cloned().partition(|(at, _)| *at < first);
        let before = concat(&before);
        let head = before.windows(4).position(|end| end == b"\r\n\r\n").map_or(before.len(), |end| end + 4);
        head + concat(&since).len()
    }
}
