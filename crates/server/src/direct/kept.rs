//! The answers that a shard keeps for other clients with the same cursor.

use bytes::Bytes;
use feedlab_feed::wire::poll;

use super::Answer;
use crate::hub::Hub;
use crate::limits::MAX_KEPT_ANSWERS;
use crate::transport::Tally;

/// Which updates an answer contains, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// To a short poll: what the history has.
    Short,
    /// To a long poll that did not wait: what the history has.
    Long,
    /// To a long poll that waited: what was published meanwhile, however old it is.
    Waited,
}

/// The answers for the present head and date.
#[derive(Default)]
pub(super) struct Kept {
    head: u64,
    /// The entity tag of everything up to the head.
    etag: String,
    not_modified: Option<Bytes>,
    no_content: Option<Bytes>,
    /// Each answer at the place that its scope and `seq` determine, so that a lookup is one comparison. Cursors close
    /// to each other have different places.
    answers: Vec<Option<(Scope, u64, Short)>>,
}

/// A short answer.
type Short = (Bytes, Tally);

impl Kept {
    /// The `seq` of the newest update, as of the last call of [`renew`](Self::renew).
    pub(super) const fn head(&self) -> u64 {
        self.head
    }

    /// The entity tag of everything up to the head.
    pub(super) fn etag(&self) -> &str {
        &self.etag
    }

    /// Discards what is no longer the answer.
    pub(super) fn renew(&mut self, hub: &Hub, has_new_date: bool) {
        let head = hub.head();
        let is_new = head != self.head || self.etag.is_empty();
        if is_new {
            self.head = head;
            self.etag = poll::etag(hub.cursor(head));
        }
        if is_new || has_new_date {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        self.not_modified = None;
        self.no_content = None;
        self.answers.clear();
    }

    pub(super) fn get(&self, scope: Scope, seq: u64) -> Option<Answer> {
        let (of, at, (bytes, tally)) = self.answers.get(place(scope, seq))?.as_ref()?;
        (*of == scope && *at == seq).then(|| Answer { bytes: bytes.clone(), tally: *tally, long: None })
    }

    pub(super) fn put(&mut self, scope: Scope, seq: u64, answer: Short) {
        if self.answers.is_empty() {
            self.answers.resize_with(MAX_KEPT_ANSWERS, || None);
        }
        if let Some(answers) = self.answers.get_mut(place(scope, seq)) {
            *answers = Some((scope, seq, answer));
        }
    }

    /// Returns the answer to clients that know the head, which `make` makes of its entity tag.
    pub(super) fn not_modified(&mut self, make: impl FnOnce(&str) -> Bytes) -> Bytes {
        self.not_modified.get_or_insert_with(|| make(&self.etag)).clone()
    }

    /// Returns the answer to clients whose hold has ended.
    pub(super) fn no_content(&mut self, make: impl FnOnce() -> Bytes) -> Bytes {
        self.no_content.get_or_insert_with(make).clone()
    }
}

const fn place(scope: Scope, seq: u64) -> usize {
    (seq as usize).wrapping_mul(3).wrapping_add(scope as usize) % MAX_KEPT_ANSWERS
}
