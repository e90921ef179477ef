//! Reads files named by the user, up to a limit: an endless device or pipe, or a file named by mistake, is refused with
//! a message instead of filling the memory.

use std::fs::File;
use std::io::{self, BufRead, Read as _};
use std::path::Path;

/// Limit for a scenario, a certificate or a key: files that people write.
pub const TEXT_BYTES: u64 = 1 << 20;
/// Limit for a recording, which is held in memory; a week of earthquakes is a quarter of a MiB.
pub const RECORDING_BYTES: u64 = 256 << 20;
/// Limit for a line of a recording: the largest payload, in its JSON encoding.
pub const LINE_BYTES: u64 = 4 << 20;
/// Limit for a file of a results folder: a million seconds of a run take about 200 MiB.
pub const RESULTS_BYTES: u64 = 256 << 20;

/// Returns all bytes of a file.
///
/// # Errors
/// When the file cannot be read, or has more than `most` bytes.
pub fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large("it", most)) } else { Ok(bytes) }
}

/// Returns the text of a file.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub fn read_text(file: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(file, most)?).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Returns the next line without its line ending; `None` after the last.
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

/// The error for something larger than its limit.
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
