//! What the kernel knows about one TCP connection: the segments and bytes that it sent and received, what it sent again,
//! and the memory of its socket. Only this file asks the kernel; on systems other than Linux there is no answer.
//!
//! Sources: `struct tcp_info` of linux/tcp.h, and net/ipv4/tcp.c (`tcp_get_info`) for what the fields count:
//! `tcpi_segs_out` and `tcpi_segs_in` count all segments of the established connection, including pure acknowledgements
//! and retransmissions (RFC 4898 counts the same), `tcpi_bytes_sent` the data in them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::time::Duration;

use crate::stats::WireStats;
use crate::tcp::{HEADERS_V4, HEADERS_V6, SYN_OPTIONS, SYN_OPTIONS_BARE, TIMESTAMPS};

/// An open connection, whose figures can be read until it is closed.
#[derive(Clone, Copy, Debug)]
pub struct Handle {
    fd: RawFd,
    v6: bool,
    opener: Opener,
}

/// The side that opened a connection: the kernel counts the segments of the handshake only for that side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// This process, by a connect.
    This,
    /// The other side; this process accepted.
    Peer,
}

impl Handle {
    /// The handle of a socket whose own address is `local`. Drop it before the socket is closed.
    #[must_use]
    pub fn new(fd: BorrowedFd<'_>, local: Option<SocketAddr>, opener: Opener) -> Self {
        let v6 = local.is_some_and(|local| matches!(local, SocketAddr::V6(v6) if v6.ip().to_ipv4_mapped().is_none()));
        Self { fd: fd.as_raw_fd(), v6, opener }
    }

    /// The handle of the same connection with another descriptor.
    #[must_use]
    pub fn moved(self, fd: BorrowedFd<'_>) -> Self {
        Self { fd: fd.as_raw_fd(), ..self }
    }

    /// The traffic of the connection so far.
    #[must_use]
    pub fn carried(self) -> Option<WireStats> {
        kernel::info(self.fd).map(|info| info.wire(self))
    }

    /// The traffic of the connection once its socket is closed now.
    #[must_use]
    pub fn carried_at_close(self) -> Option<WireStats> {
        kernel::info(self.fd).map(|info| info.with_close().wire(self))
    }

    /// The bytes of data that this side has received, read or not.
    #[must_use]
    pub fn received(self) -> Option<u64> {
        kernel::info(self.fd).map(Info::received_data)
    }

    /// The memory of the socket's buffers, bytes.
    #[must_use]
    pub fn buffer_bytes(self) -> Option<u64> {
        kernel::buffer_bytes(self.fd)
    }
}

/// Whether the kernel counts the traffic of this TCP connection: for `feedlab doctor`.
#[must_use]
pub fn kernel_keeps_account(socket: BorrowedFd<'_>) -> bool {
    kernel::info(socket.as_raw_fd()).is_some()
}

/// Returns the congestion window with which a connection over loopback starts, segments; `None` if there is no loopback,
/// or the kernel does not say.
#[must_use]
pub fn initial_window() -> Option<u32> {
    /// Only a firewall would let this time pass.
    const PATIENCE: Duration = Duration::from_secs(1);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    let client = TcpStream::connect_timeout(&listener.local_addr().ok()?, PATIENCE).ok()?;
    kernel::info(client.as_raw_fd()).map(|info| info.congestion_window)
}

/// The fields of `struct tcp_info` that are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Info {
    state: State,
    timestamps: bool,
    segments_out: u64,
    segments_in: u64,
    /// Data in `segments_out`, including retransmissions.
    sent_bytes: u64,
    /// Sequence numbers in `segments_in`: data, and one for a FIN.
    received_bytes: u64,
    retransmits: u64,
    /// How often the retransmission timer fired; `None` before Linux 6.7, which does not say.
    timeouts: Option<u64>,
    /// The congestion window, segments.
    congestion_window: u32,
}

/// The state of the connection's close (RFC 9293, section 3.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    LastAck,
    Closing,
    /// In `TIME-WAIT`, the kernel already reports the socket as closed.
    Closed,
}

impl Info {
    /// Counts segments with their headers. If the peer connected, the kernel counts its SYN as received, but not the
    /// answer to it, which is sent before there is a socket. Selective acknowledgements (RFC 2018), 12 bytes and more
    /// in segments that answer a hole, are not counted.
    fn wire(self, of: Handle) -> WireStats {
        let headers = if of.v6 { HEADERS_V6 } else { HEADERS_V4 };
        let (segment, syn) =
            if self.timestamps { (headers + TIMESTAMPS, SYN_OPTIONS) } else { (headers, SYN_OPTIONS_BARE) };
        let unseen = u64::from(of.opener == Opener::Peer);
        let (packets_out, packets_in) = (self.segments_out + unseen, self.segments_in);
        WireStats {
            packets_out,
            packets_in,
            bytes_out: packets_out * segment + self.sent_bytes + syn,
            bytes_in: packets_in * segment + self.received_data() + syn,
            retransmits: self.retransmits,
            timeouts: self.timeouts,
        }
    }

    /// A received FIN has a sequence number but no byte.
    fn received_data(self) -> u64 {
        use State::{CloseWait, Closed, Closing, LastAck};
        let fin = matches!(self.state, CloseWait | LastAck | Closing | Closed);
        self.received_bytes.saturating_sub(u64::from(fin))
    }

    /// Adds the segments that closing the socket in this state still takes, if the peer closes too: our FIN and its
    /// acknowledgement, the peer's FIN and ours.
    const fn with_close(self) -> Self {
        let (out, inn) = match self.state {
            State::Established => (2, 2),
            State::CloseWait => (1, 1),
            State::FinWait1 => (1, 2),
            State::FinWait2 => (1, 1),
            State::LastAck | State::Closing => (0, 1),
            State::Closed => (0, 0),
        };
        Self { segments_out: self.segments_out + out, segments_in: self.segments_in + inn, ..self }
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::mem::{MaybeUninit, offset_of, size_of};
    use std::os::fd::RawFd;

    use super::{Info, State};

    /// `SO_MEMINFO` of asm-generic/socket.h, and the size of its answer in linux/sock_diag.h.
    const SO_MEMINFO: libc::c_int = 55;
    const MEMINFO_VARS: usize = 9;
    /// `TCPI_OPT_TIMESTAMPS` of linux/tcp.h.
    const TIMESTAMPS: u8 = 1;
    /// Bytes of an answer that has all fields below except the timeouts (Linux 4.19), and of one that has these too
    /// (Linux 6.7). The structure only grows.
    const WITH_BYTES_SENT: usize = offset_of!(libc::tcp_info, tcpi_bytes_sent) + size_of::<u64>();
    const WITH_TIMEOUTS: usize = offset_of!(libc::tcp_info, tcpi_total_rto) + size_of::<u16>();

    pub(super) fn info(fd: RawFd) -> Option<Info> {
        let (info, filled) = get(fd, libc::IPPROTO_TCP, libc::TCP_INFO)?;
        read(&info, filled)
    }

    /// Reads an answer of which the kernel has filled that many bytes. A field beyond them is not known, and not 0.
    fn read(info: &libc::tcp_info, filled: usize) -> Option<Info> {
        (filled >= WITH_BYTES_SENT).then(|| Info {
            state: state(info.tcpi_state),
            timestamps: info.tcpi_options & TIMESTAMPS != 0,
            segments_out: info.tcpi_segs_out.into(),
            segments_in: info.tcpi_segs_in.into(),
            sent_bytes: info.tcpi_bytes_sent,
            received_bytes: info.tcpi_bytes_received,
            retransmits: info.tcpi_total_retrans.into(),
            timeouts: (filled >= WITH_TIMEOUTS).then(|| info.tcpi_total_rto.into()),
            congestion_window: info.tcpi_snd_cwnd,
        })
    }

    /// The receive and send buffers, including reserved memory: `rmem_alloc`, `fwd_alloc`, `wmem_queued`, `optmem` and
    /// `backlog` of linux/sock_diag.h.
    pub(super) fn buffer_bytes(fd: RawFd) -> Option<u64> {
        let (info, _): ([u32; MEMINFO_VARS], _) = get(fd, libc::SOL_SOCKET, SO_MEMINFO)?;
        Some([0, 4, 5, 6, 7].into_iter().map(|index| u64::from(info[index])).sum())
    }

    /// The states of net/tcp_states.h.
    const fn state(tcpi_state: u8) -> State {
        match tcpi_state {
            4 => State::FinWait1,
            5 => State::FinWait2,
            6 | 7 => State::Closed,
            8 => State::CloseWait,
            9 => State::LastAck,
            11 => State::Closing,
            _ => State::Established,
        }
    }

    /// Types made only of integers, for which any bytes are a valid value, and so are zeroes.
    trait Plain {}
    impl Plain for libc::tcp_info {}
    impl Plain for [u32; MEMINFO_VARS] {}

    /// Calls getsockopt(2) with a zeroed value. Returns it, and how many bytes the kernel has filled: an older one fills
    /// fewer.
    #[expect(unsafe_code, reason = "no crate of this workspace has a safe wrapper for these two options")]
    fn get<T: Plain>(fd: RawFd, level: libc::c_int, option: libc::c_int) -> Option<(T, usize)> {
        let mut value = MaybeUninit::<T>::zeroed();
        let mut length = size_of::<T>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes, which is the size of `value`; a descriptor that is not a
        // socket, or not open, is answered with an error.
        let result = unsafe { libc::getsockopt(fd, level, option, value.as_mut_ptr().cast(), &raw mut length) };
        // SAFETY: all bytes are zero or the kernel's, and `T` is plain integers.
        (result == 0).then(|| (unsafe { value.assume_init() }, length as usize))
    }

    #[cfg(test)]
    mod tests {
        use std::os::fd::AsRawFd as _;

        use super::*;

        #[test]
        fn what_a_short_answer_does_not_reach_is_absent_and_not_zero() {
            let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let (mut info, _): (libc::tcp_info, _) =
                get(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO).unwrap();
            (info.tcpi_total_retrans, info.tcpi_total_rto, info.tcpi_snd_cwnd) = (3, 2, 10);
            // The sizes of the structure in Linux 4.18, 4.19, 6.6 and 6.7.
            let sizes = [192 + 8, 192 + 8 + 24, 240, 248];
            let read = sizes.map(|filled| read(&info, filled));
            assert_eq!(read.map(|info| info.map(|info| info.retransmits)), [None, Some(3), Some(3), Some(3)]);
            assert_eq!(read.map(|info| info.and_then(|info| info.timeouts)), [None, None, None, Some(2)]);
            assert_eq!(read[3].unwrap().congestion_window, 10);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::os::fd::RawFd;

    use super::Info;

    pub(super) const fn info(_: RawFd) -> Option<Info> {
        None
    }

    pub(super) const fn buffer_bytes(_: RawFd) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_on_the_wire_are_headers_data_and_the_handshake() {
        let info = Info { segments_out: 3, segments_in: 4, sent_bytes: 1_000, received_bytes: 101, ..Info::default() };
        let stamped = Info { timestamps: true, state: State::CloseWait, ..info };
        let of = |v6, opener| Handle { fd: 0, v6, opener };
        let wire = stamped.wire(of(false, Opener::Peer));
        assert_eq!((wire.packets_out, wire.packets_in), (4, 4));
        assert_eq!((wire.bytes_out, wire.bytes_in), (3 * 52 + 1_000 + 60, 3 * 52 + 100 + 60));
        assert_eq!(info.wire(of(true, Opener::Peer)).bytes_out, 3 * 60 + 1_000 + 72);
        assert_eq!(info.wire(of(true, Opener::This)).packets_out, 3);
    }

    #[test]
    fn a_close_adds_the_segments_that_its_state_still_needs() {
        for (state, out, inn) in [(State::Established, 2, 2), (State::CloseWait, 1, 1), (State::Closed, 0, 0)] {
            let closed = Info { state, ..Info::default() }.with_close();
            assert_eq!((closed.segments_out, closed.segments_in), (out, inn), "{state:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_kernel_counts_the_traffic_of_a_connection() {
        use std::os::fd::AsFd as _;

        use std::io::{Read as _, Write as _};
        use std::net::{TcpListener, TcpStream};

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let accepted = Handle::new(server.as_fd(), server.local_addr().ok(), Opener::Peer);
        let connected = Handle::new(client.as_fd(), client.local_addr().ok(), Opener::This);
        client.write_all(&[1; 100]).unwrap();
        server.read_exact(&mut [0; 100]).unwrap();
        server.write_all(&[2; 3000]).unwrap();
        client.read_exact(&mut [0; 3000]).unwrap();
        let (wire, other) = (accepted.carried().unwrap(), connected.carried().unwrap());
        let data = |bytes: u64, packets: u64| bytes - (packets - 1) * 52 - 60;
        assert_eq!((data(wire.bytes_in, wire.packets_in), data(wire.bytes_out, wire.packets_out)), (100, 3000));
        assert!((3..=4).contains(&wire.packets_in), "SYN, ACK, data, and perhaps an ACK: {wire:?}");
        assert_eq!((wire.packets_in, wire.bytes_in), (other.packets_out, other.bytes_out), "both sides see the same");
        assert_eq!((wire.packets_out, wire.bytes_out), (other.packets_in, other.bytes_in));
        assert!(accepted.buffer_bytes().is_some());
    }
}
