//! The lines on the standard input of the emulator. They are read with read(2) alone: the standard library's reader would
//! keep a second line where poll(2) does not see it, and wait for the end of a line while no packet moves.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;

/// The longest line, bytes: that of a link with a recorded rate each way, of as many steps as there may be.
const MAX_LINE: usize = 16 << 20;
/// How much is read at once, bytes.
const CHUNK: usize = 16 << 10;

/// Lines that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Lines {
    whole: VecDeque<Vec<u8>>,
    /// The beginning of the next one.
    begun: Vec<u8>,
}

impl Lines {
    /// Waits for the next line; returns `None` if the input ends before.
    pub(super) fn wait(&mut self, input: BorrowedFd<'_>) -> io::Result<Option<Vec<u8>>> {
        while self.whole.is_empty() && self.read(input)? {}
        Ok(self.next())
    }

    /// Reads once, which does not wait if poll(2) says that there is something; returns `false` at the end.
    pub(super) fn read(&mut self, input: BorrowedFd<'_>) -> io::Result<bool> {
        let mut chunk = [0; CHUNK];
        match rustix::io::read(input, &mut chunk) {
            Ok(0) => Ok(false),
            Ok(length) => self.add(&chunk[..length]).map(|()| true),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the next line that has come whole.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        self.whole.pop_front()
    }

    fn add(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(&bytes[..end]);
            self.whole.push_back(std::mem::take(&mut self.begun));
            bytes = &bytes[end + 1..];
        }
        self.begun.extend_from_slice(bytes);
        if self.begun.len() > MAX_LINE {
            return Err(io::Error::other(format!("a line on standard input is longer than {MAX_LINE} bytes")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsFd as _;

    use super::*;

    /// Returns the lines that are whole after what was written.
    fn written(lines: &mut Lines, pipe: &(io::PipeReader, io::PipeWriter), text: &str) -> Vec<String> {
        (&pipe.1).write_all(text.as_bytes()).unwrap();
        assert!(lines.read(pipe.0.as_fd()).unwrap());
        std::iter::from_fn(|| lines.next()).map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn lines_that_come_together_are_all_there_and_a_cut_one_waits() {
        let (mut lines, pipe) = (Lines::default(), io::pipe().unwrap());
        assert_eq!(written(&mut lines, &pipe, "one\ntwo\nth"), ["one", "two"]);
        assert_eq!(written(&mut lines, &pipe, "re"), [""; 0]);
        assert_eq!(written(&mut lines, &pipe, "e\n\nfour\n"), ["three", "", "four"]);
        assert_eq!(written(&mut lines, &pipe, "fi"), [""; 0]);
        let (reader, writer) = pipe;
        drop(writer);
        // A line that was cut by the end is none.
        assert_eq!((lines.read(reader.as_fd()).unwrap(), lines.wait(reader.as_fd()).unwrap()), (false, None));
    }

    #[test]
    fn what_follows_the_first_line_at_once_is_not_lost() {
        let (mut lines, (reader, mut writer)) = (Lines::default(), io::pipe().unwrap());
        writer.write_all(b"the task\nan order\n").unwrap();
        assert_eq!(lines.wait(reader.as_fd()).unwrap().unwrap(), b"the task");
        assert_eq!(lines.next().unwrap(), b"an order");
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut lines = Lines::default();
        assert!(lines.add(&vec![b'x'; MAX_LINE]).is_ok());
        assert!(lines.add(b"x").is_err());
    }
}
