//! Files that somebody names, read no further than a bound: a device or a pipe without an end, or a file that was mistaken
//! for another, is refused with a message and not held in memory.

use std::fs::File;
use std::io::{self, BufRead, Read as _};
use std::path::Path;

/// A scenario, a certificate, a key: what people write.
pub const TEXT_BYTES: u64 = 1 << 20;
/// A recording, which is held in memory; the earthquakes of a week have a quarter of a MiB.
pub const RECORDING_BYTES: u64 = 256 << 20;
/// A line of a recording: the largest payload, and what JSON makes of it.
pub const LINE_BYTES: u64 = 4 << 20;
/// A file of a results folder: a million seconds of a run have some 200 MiB.
pub const RESULTS_BYTES: u64 = 256 << 20;

/// All bytes of a file.
///
/// # Errors
/// When it cannot be read, or has more than `most` bytes.
pub fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large("it", most)) } else { Ok(bytes) }
}

/// The text of a file.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub fn read_text(file: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(file, most)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// The next line, without its end; `None` behind the last.
///
/// # Errors
/// When it cannot be read, is not UTF-8, or has more than `most` bytes.
pub fn line(reader: &mut impl BufRead, most: u64) -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = reader.take(most + 1).read_line(&mut line)?;
    if read as u64 > most {
        return Err(too_large("the line", most));
    }
    if line.ends_with('\n') {
        line.pop();
        line.truncate(line.strip_suffix('\r').map_or(line.len(), str::len));
    }
    Ok((read > 0).then_some(line))
}

/// The error of whatever has more than a bound.
pub(crate) fn too_large(what: &str, most: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("{what} has more than {} MiB", most >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r8_an_endless_input_is_read_up_to_the_limit() {
        for most in [0, 10, TEXT_BYTES] {
            let error = read(Path::new("/dev/zero"), most).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{error}");
        }
        let mut zeros = io::BufReader::new(File::open("/dev/zero").unwrap());
        assert_eq!(line(&mut zeros, LINE_BYTES).unwrap_err().to_string(), "the line has more than 4 MiB");
    }

    #[test]
    fn lines_end_with_lf_or_crlf() {
        let mut text = &b"one\r\n\ntwo"[..];
        let lines: Vec<_> = std::iter::from_fn(|| line(&mut text, 10).unwrap()).collect();
        assert_eq!(lines, ["one", "", "two"]);
        assert_eq!(line(&mut &b"1234567890\n"[..], 10).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(line(&mut &b"123456789\n"[..], 10).unwrap().as_deref(), Some("123456789"));
    }
}
