//! Where in a line, a block and a character the bytes of a stream stop, in constant memory.

/// The longest name of a field.
const NAME: usize = 5;

/// Where in a line and a block the bytes stop.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of the line, up to a name and its colon.
    start: [u8; NAME + 1],
    /// The length of the line so far.
    pub(super) length: usize,
    /// Whether the block has a field that makes an event.
    pub(super) has_field: bool,
    after_cr: bool,
    pub(super) comments: u64,
    pub(super) foreign: u64,
}

impl Lines {
    /// Reads a chunk, and returns how many comments ended in it.
    pub(super) fn push(&mut self, chunk: &[u8]) -> u32 {
        let before = self.comments;
        for &byte in chunk {
            let is_rest_of_end = byte == b'\n' && self.after_cr;
            self.after_cr = byte == b'\r';
            match byte {
                b'\n' if is_rest_of_end => {}
                b'\n' | b'\r' => self.end(),
                _ => {
                    if let Some(place) = self.start.get_mut(self.length) {
                        *place = byte;
                    }
                    self.length = self.length.saturating_add(1);
                }
            }
        }
        u32::try_from(self.comments - before).unwrap_or(u32::MAX)
    }

    fn end(&mut self) {
        let start = &self.start[..self.length.min(NAME + 1)];
        match start.split(|byte| *byte == b':').next().unwrap_or_default() {
            b"" if self.length == 0 => self.has_field = false,
            b"" => self.comments += 1,
            b"data" | b"event" => self.has_field = true,
            b"id" | b"retry" => {}
            _ => self.foreign += 1,
        }
        self.length = 0;
    }

    pub(super) const fn is_comment(&self) -> bool {
        self.start[0] == b':'
    }
}

/// Whether bytes are UTF-8, whatever chunks they come in.
#[derive(Debug, Default)]
pub(super) struct Utf8 {
    /// A character that the last chunk began.
    begun: Vec<u8>,
    pub(super) is_broken: bool,
}

impl Utf8 {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        if self.is_broken {
            return;
        }
        let joined;
        let bytes = if self.begun.is_empty() {
            chunk
        } else {
            joined = [self.begun.as_slice(), chunk].concat();
            &joined
        };
        if let Err(error) = std::str::from_utf8(bytes) {
            self.is_broken = error.error_len().is_some();
            let begun = bytes.get(error.valid_up_to()..).filter(|_| !self.is_broken).unwrap_or_default();
            self.begun = begun.to_vec();
        } else {
            self.begun.clear();
        }
    }
}
