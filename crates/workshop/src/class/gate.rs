//! The instructor's token: who may lead the class, reveal answers and start measurements for it.
//!
//! The routes ask a [`Gate`]. It knows nothing of questions. Tries are bounded per machine, so that a learner who
//! guesses locks nobody out but themselves.

use std::collections::HashMap;
use std::fmt;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode, header};
use feedlab_feed::clock;
use feedlab_server::Rejection;

use crate::limits::{MAX_TOKEN_TRIES, MAX_TRYING_MACHINES};

/// The time for which wrong tokens are counted.
const TRIES_COUNT_FOR: Duration = Duration::from_secs(60);

/// The length of a token, characters: 128 bits.
const LENGTH: usize = 32;

/// The instructor's token. It is never logged.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// Returns a new random token.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("{:032x}", rand::random::<u128>()))
    }

    /// Returns the token that belongs to a file of votes. It is kept next to that file, readable only by its owner, so
    /// that a server that restarts in the middle of a class does not lock its instructor out.
    ///
    /// # Errors
    /// If its file cannot be read or written.
    pub fn beside(votes: &Path) -> std::io::Result<Self> {
        let place = place(votes);
        let mut text = String::new();
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&place)?;
        (&mut file).take(1_000).read_to_string(&mut text)?;
        let kept = text.trim();
        if kept.len() == LENGTH && kept.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Self(kept.to_owned()));
        }
        let token = Self::random();
        file.set_len(0)?;
        std::io::Seek::rewind(&mut file)?;
        writeln!(file, "{}", token.0)?;
        Ok(token)
    }

    /// Returns the token for the URL that only the instructor sees.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Compares in constant time, so that the duration does not reveal how much was right.
    fn is(&self, other: &str) -> bool {
        let (a, b) = (self.0.as_bytes(), other.as_bytes());
        a.len() == b.len() && !a.is_empty() && a.iter().zip(b).fold(0, |different, (a, b)| different | (a ^ b)) == 0
    }
}

/// Returns the path of a token's file: `feedlab-class.ndjson.token`.
fn place(votes: &Path) -> PathBuf {
    let mut name = votes.as_os_str().to_owned();
    name.push(".token");
    name.into()
}

/// Checks the tokens of requests.
#[derive(Debug)]
pub(crate) struct Gate {
    token: Token,
    /// For each machine that has sent wrong tokens, how many, and since when.
    tries: Mutex<HashMap<IpAddr, (u32, Instant)>>,
}

impl Gate {
    pub(crate) fn new(token: Token) -> Self {
        Self { token, tries: Mutex::default() }
    }

    /// Whether a request brings the token; a wrong token is rejected.
    pub(crate) fn is_instructor(&self, headers: &HeaderMap, peer: IpAddr) -> Result<bool, Rejection> {
        let Some(brought) = headers.get(header::AUTHORIZATION) else { return Ok(false) };
        let brought = brought.to_str().unwrap_or_default().trim();
        let brought = brought.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        if self.has_tried_too_often(peer) {
            let message = "too many wrong tokens from this machine; wait a minute";
            return Err(Rejection::new(StatusCode::TOO_MANY_REQUESTS, message));
        }
        if brought.is_some_and(|(_, token)| self.token.is(token.trim())) {
            return Ok(true);
        }
        self.count(peer);
        let message = "this is not the instructor's token; open the address that `feedlab workshop` printed for the \
                       instructor, in the terminal where it runs";
        Err(Rejection::new(StatusCode::UNAUTHORIZED, message))
    }

    /// Rejects a request without the token.
    pub(crate) fn require(&self, headers: &HeaderMap, peer: IpAddr, what: &str) -> Result<(), Rejection> {
        if self.is_instructor(headers, peer)? {
            return Ok(());
        }
        let message = format!("{what} needs the instructor's token: send `Authorization: Bearer …`");
        Err(Rejection::new(StatusCode::UNAUTHORIZED, message))
    }

    fn has_tried_too_often(&self, peer: IpAddr) -> bool {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.retain(|_, (_, since)| clock::now().duration_since(*since) < TRIES_COUNT_FOR);
        tries.get(&peer).is_some_and(|(count, _)| *count >= MAX_TOKEN_TRIES)
    }

    fn count(&self, peer: IpAddr) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() < MAX_TRYING_MACHINES || tries.contains_key(&peer) {
            tries.entry(peer).or_insert((0, clock::now())).0 += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn bearer(token: &str) -> HeaderMap {
        [(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn w3_only_the_token_opens_and_guesses_are_bounded_for_each_machine() {
        let gate = Gate::new(Token::random());
        let right = bearer(gate.token.secret());
        assert!(gate.is_instructor(&right, PEER).unwrap() && !gate.is_instructor(&HeaderMap::new(), PEER).unwrap());
        assert_eq!(gate.require(&HeaderMap::new(), PEER, "leading").unwrap_err().status(), 401);
        for _ in 0..MAX_TOKEN_TRIES {
            assert_eq!(gate.is_instructor(&bearer("guess"), PEER).unwrap_err().status(), 401);
        }
        assert_eq!(gate.is_instructor(&right, PEER).unwrap_err().status(), 429, "more guesses are not even checked");
        assert!(gate.is_instructor(&right, Ipv4Addr::new(127, 0, 0, 2).into()).unwrap());
    }

    #[test]
    fn w3_without_a_token_nobody_is_the_instructor() {
        let gate = Gate::new(Token::default());
        assert!(gate.is_instructor(&bearer(""), PEER).is_err());
        assert_eq!(format!("{:?}", Token::random()), "Token(…)");
    }

    #[test]
    fn w3_a_restart_keeps_the_token_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let votes = folder.path().join("class.ndjson");
        let token = Token::beside(&votes).unwrap();
        assert_eq!(token.secret().len(), LENGTH);
        assert_eq!(Token::beside(&votes).unwrap(), token);
        let file = folder.path().join("class.ndjson.token");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "nonsense\n").unwrap();
        let new = Token::beside(&votes).unwrap();
        assert!(new != token && Token::beside(&votes).unwrap() == new);
    }
}
