//! Texts of updates that nothing else on a feed has, and how they are found again.

/// The texts of a run: `feedlab-4f2a-17` is the seventeenth update of the run `4f2a`.
#[derive(Debug)]
pub(super) struct Tokens {
    prefix: String,
    used: u64,
}

impl Tokens {
    /// The texts of a new run.
    pub(super) fn new() -> Self {
        Self { prefix: format!("feedlab-{:04x}-", rand::random::<u16>()), used: 0 }
    }

    /// Returns a number that no other update of the run has.
    pub(super) const fn next(&mut self) -> u64 {
        self.used += 1;
        self.used
    }

    /// The text of an update.
    pub(super) fn text(&self, number: u64) -> String {
        format!("{}{number}", self.prefix)
    }

    /// Returns the numbers of the run's updates in a text, in order, each once. A server can make up any others.
    pub(super) fn find(&self, text: &str) -> Vec<u64> {
        let mut numbers = Vec::new();
        for (at, _) in text.match_indices(&self.prefix) {
            let rest = &text[at + self.prefix.len()..];
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let is_ours = |number: &u64| (1..=self.used).contains(number) && !numbers.contains(number);
            if let Some(number) = rest[..end].parse().ok().filter(is_ours) {
                numbers.push(number);
            }
        }
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_found_in_any_text_and_only_as_a_whole() {
        let mut tokens = Tokens::new();
        let numbers: Vec<u64> = (0..17).map(|_| tokens.next()).collect();
        let (first, last) = (tokens.text(1), tokens.text(17));
        assert_eq!(numbers.last(), Some(&17));
        assert_eq!(tokens.find(&format!("{{\"text\":\"x\\n{last}\\n{first}\"}} {last}")), [17, 1]);
        assert_eq!(tokens.find("feedlab-xxxx-1"), [0_u64; 0]);
        assert_eq!(tokens.find(&format!("{} {} {}", tokens.text(0), tokens.text(18), tokens.text(3))), [3]);
    }
}
