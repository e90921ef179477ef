//! Joins the pieces of which cells consist to outlines and lines.

use std::collections::{BTreeMap, BTreeSet};

use super::Id;

/// Connects directed sides to closed outlines.
pub(super) fn loops(sides: &BTreeSet<(Id, Id)>) -> Vec<Vec<Id>> {
    let mut left = sides.clone();
    let mut all = Vec::new();
    while let Some((start, mut at)) = left.pop_first() {
        let mut outline = vec![start];
        while at != start {
            outline.push(at);
            let Some(next) = left.range((at, 0)..=(at, Id::MAX)).next().copied() else { break };
            left.remove(&next);
            at = next.1;
        }
        all.push(outline);
    }
    all
}

/// Connects pieces to lines that are as long as possible.
pub(super) fn chains(pieces: &[(Id, Id)]) -> Vec<Vec<Id>> {
    let mut at: BTreeMap<Id, Vec<usize>> = BTreeMap::new();
    for (index, (a, b)) in pieces.iter().enumerate() {
        at.entry(*a).or_default().push(index);
        at.entry(*b).or_default().push(index);
    }
    let mut is_used = vec![false; pieces.len()];
    let mut follow = |start: Id| {
        let mut line = vec![start];
        let mut here = start;
        while let Some(index) = at[&here].iter().copied().find(|index| !is_used[*index]) {
            is_used[index] = true;
            let (a, b) = pieces[index];
            here = if a == here { b } else { a };
            line.push(here);
        }
        line
    };
    // First from the ends, and what is left is closed.
    let ends = at.iter().filter(|(_, pieces)| pieces.len() != 2).map(|(id, _)| *id);
    let all: Vec<Id> = ends.chain(at.keys().copied()).collect();
    all.into_iter()
        .flat_map(|start| std::iter::repeat_n(start, 4))
        .map(&mut follow)
        .filter(|line| line.len() > 1)
        .collect()
}
