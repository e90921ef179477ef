//! Undoes the content coding of a body (RFC 9110, section 8.4.1) as its bytes arrive, so that it shows what each flush of a
//! server brought. What a bomb expands to is handed over in small pieces and never held. A check and an inspection read
//! bodies with it.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, GzDecoder, MultiGzDecoder, ZlibDecoder};

/// How a body is coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Not at all.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// deflate: zlib (RFC 1950), or what some servers send, deflate alone (RFC 1951).
    Deflate,
    /// One that was not asked for, or several. Holds their names.
    Other(String),
}

impl Coding {
    /// Reads the values of `Content-Encoding`.
    pub(crate) fn of<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let codings =
            values.into_iter().flat_map(|value| value.split(',')).map(|coding| coding.trim().to_ascii_lowercase());
        let codings: Vec<String> = codings.filter(|coding| !matches!(&**coding, "" | "identity")).collect();
        match &*codings.join(", ") {
            "" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// What bytes are that follow the end of compressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing, as to a browser.
    Ignored,
    /// In gzip a further member, as the standard has it; else an error.
    Read,
}

/// Compressed bytes that are undone at a time: deflate expands them at most 1,032 times, to 260 KiB.
const PIECE_BYTES: usize = 256;

/// The state of a body's decoding.
pub(crate) struct Decoder {
    state: State,
    rest: Rest,
}

enum State {
    Identity,
    /// Nothing has arrived: the first byte tells which form of deflate it is.
    Begins(Coding),
    Inflates(Box<dyn Inflate>),
    /// It cannot be decoded, or it is broken.
    Failed,
}

impl Decoder {
    pub(crate) fn new(coding: &Coding, rest: Rest) -> Self {
        let state = match coding {
            Coding::Identity => State::Identity,
            Coding::Gzip | Coding::Deflate => State::Begins(coding.clone()),
            Coding::Other(_) => State::Failed,
        };
        Self { state, rest }
    }

    /// Decodes bytes, and hands over what comes out in pieces, until the receiver wants no more.
    ///
    /// # Errors
    /// When they cannot be decoded; then nothing after them can.
    pub(crate) fn push(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
        if matches!(self.state, State::Identity) {
            take(bytes);
            return Ok(());
        }
        for piece in bytes.chunks(PIECE_BYTES) {
            let rest = self.rest;
            if !self.step(piece[0], |inflate| write_all(inflate, piece, rest), &mut take)? {
                break;
            }
        }
        Ok(())
    }

    /// Checks that the coding ends where the body does, and hands over what was held back.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn finish(&mut self, mut take: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
        let State::Inflates(_) = self.state else { return Ok(()) };
        self.step(0, |inflate| inflate.finish(), &mut take).map(|_| ())
    }

    /// Decodes a piece that begins with `first`. Returns whether more is to be decoded.
    fn step(
        &mut self,
        first: u8,
        run: impl FnOnce(&mut dyn Inflate) -> io::Result<()>,
        take: &mut impl FnMut(&[u8]) -> bool,
    ) -> io::Result<bool> {
        if let State::Begins(coding) = &self.state {
            self.state = State::Inflates(inflate(coding, first, self.rest));
        }
        let State::Inflates(inflate) = &mut self.state else { return Err(io::ErrorKind::InvalidData.into()) };
        let result = run(&mut **inflate);
        let decoded = std::mem::take(inflate.out());
        let goes_on = decoded.is_empty() || take(&decoded);
        if result.is_err() {
            self.state = State::Failed;
        }
        result.map(|()| goes_on)
    }
}

/// Returns the decoder of a body that begins with this byte.
fn inflate(coding: &Coding, first: u8, rest: Rest) -> Box<dyn Inflate> {
    match (coding, rest) {
        (Coding::Gzip, Rest::Ignored) => Box::new(GzDecoder::new(Vec::new())),
        (Coding::Gzip, Rest::Read) => Box::new(MultiGzDecoder::new(Vec::new())),
        // zlib, which the standard means, has 8 in the lower half of its first byte (RFC 1950, section 2.2). Some servers
        // leave it out, and browsers accept that; a deflate block cannot begin so.
        _ if first & 0x0F == 8 => Box::new(ZlibDecoder::new(Vec::new())),
        _ => Box::new(DeflateDecoder::new(Vec::new())),
    }
}

fn write_all(inflate: &mut dyn Inflate, mut piece: &[u8], rest: Rest) -> io::Result<()> {
    while !piece.is_empty() {
        match (inflate.write(piece)?, rest) {
            // The compressed data is over.
            (0, Rest::Ignored) => break,
            (0, Rest::Read) => return Err(io::ErrorKind::WriteZero.into()),
            (taken, _) => piece = &piece[taken..],
        }
    }
    inflate.flush()
}

/// A decoder of flate2.
trait Inflate: Write + Send {
    /// What it has decoded.
    fn out(&mut self) -> &mut Vec<u8>;

    fn finish(&mut self) -> io::Result<()>;
}

macro_rules! inflate_with {
    ($($decoder:ident),+) => {$(
        impl Inflate for $decoder<Vec<u8>> {
            fn out(&mut self) -> &mut Vec<u8> {
                self.get_mut()
            }

            fn finish(&mut self) -> io::Result<()> {
                self.try_finish()
            }
        }
    )+};
}

inflate_with!(GzDecoder, MultiGzDecoder, ZlibDecoder, DeflateDecoder);

#[cfg(test)]
mod tests;
