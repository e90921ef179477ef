//! The ring in which the kernel hands over the frames of a packet socket (`PACKET_RX_RING`, version 2: packet(7), and
//! Documentation/networking/packet_mmap.rst of the kernel).
//!
//! The buffer of a socket holds some hundred packets, as only root may enlarge it: less than one burst of TCP, so packets
//! would be lost that were not meant to be. A ring has no such limit, costs no system call per packet, and says when each
//! packet came, so that the time until this process runs is not added to the delay.

#![expect(unsafe_code, reason = "memory that is shared with the kernel has no safe wrapper")]

use std::ffi::c_void;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use super::packet_socket::ETHERNET_HEADER;

/// Options of packet sockets, linux/if_packet.h.
const PACKET_RX_RING: i32 = 5;
const PACKET_STATISTICS: i32 = 6;
const PACKET_VERSION: i32 = 10;
/// `TPACKET_V2`: a frame is handed over at once, not when a block is full.
const VERSION_2: i32 = 1;
/// The states of a frame: the kernel's, and this process's.
const OF_KERNEL: u32 = 0;
const OF_USER: u32 = 1;
/// `TPACKET_ALIGNMENT`.
const ALIGNMENT: usize = 16;
/// What is before the packet in a frame: the kernel's header and address, aligned, and Ethernet's header with a VLAN tag.
const HEADROOM: usize = 80 + ETHERNET_HEADER + 4;
/// The size of a piece of memory that the kernel allocates, bytes.
const BLOCK: usize = 128 << 10;
/// The size of a ring, bytes, unless that is less than [`LEAST_FRAMES`].
const RING: usize = 8 << 20;
const LEAST_FRAMES: usize = 512;

/// How a ring is divided: frames do not cross blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    frame: usize,
    per_block: usize,
    block: usize,
    blocks: usize,
}

impl Layout {
    fn of(mtu: usize, page: usize) -> Self {
        let frame = (HEADROOM + mtu).next_multiple_of(ALIGNMENT);
        let per_block = (BLOCK / frame).max(1);
        let block = (frame * per_block).next_multiple_of(page);
        Self { frame, per_block, block, blocks: (RING / block).max(LEAST_FRAMES.div_ceil(per_block)) }
    }

    const fn frames(&self) -> usize {
        self.per_block * self.blocks
    }

    const fn bytes(&self) -> usize {
        self.block * self.blocks
    }

    /// Returns where a frame begins.
    const fn offset(&self, number: usize) -> usize {
        number / self.per_block * self.block + number % self.per_block * self.frame
    }
}

/// `struct tpacket2_hdr` after its first field, which is the state.
#[derive(Clone, Copy)]
#[repr(C)]
struct Header {
    length: u32,
    kept: u32,
    begin: u16,
    network: u16,
    seconds: u32,
    nanoseconds: u32,
}

/// `struct tpacket_req`.
#[repr(C)]
struct Request {
    block: u32,
    blocks: u32,
    frame: u32,
    frames: u32,
}

/// `struct tpacket_stats`.
#[derive(Default)]
#[repr(C)]
struct Statistics {
    packets: u32,
    drops: u32,
}

/// A frame that came.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) bytes: Vec<u8>,
    /// When it came, by the wall clock, µs since the Unix epoch.
    pub(super) at_us: u64,
}

/// The ring of a socket.
#[derive(Debug)]
pub(super) struct Ring {
    memory: NonNull<u8>,
    layout: Layout,
    /// The frame that the kernel fills next.
    next: usize,
}

impl Ring {
    /// Creates the ring of a packet socket for packets of up to `mtu` bytes.
    pub(super) fn new(socket: &OwnedFd, mtu: usize) -> io::Result<Self> {
        let layout = Layout::of(mtu, rustix::param::page_size());
        let number = |size: usize| u32::try_from(size).map_err(io::Error::other);
        let request = Request {
            block: number(layout.block)?,
            blocks: number(layout.blocks)?,
            frame: number(layout.frame)?,
            frames: number(layout.frames())?,
        };
        set(socket, PACKET_VERSION, &VERSION_2)?;
        set(socket, PACKET_RX_RING, &request)?;
        let (rights, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping, of the size that the socket has allocated.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), layout.bytes(), rights, shared, socket.as_raw_fd(), 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = NonNull::new(memory.cast()).ok_or_else(|| io::Error::other("the ring has no memory"))?;
        Ok(Self { memory, layout, next: 0 })
    }

    /// Takes the next frame; `None` if there is none.
    pub(super) fn take(&mut self) -> Option<Frame> {
        let offset = self.layout.offset(self.next);
        // SAFETY: `next` is less than the number of frames, so the whole frame is in the mapping, and it is aligned to 16
        // bytes. Until its state says that it is the user's, only the state is read, which is atomic; from then on the
        // kernel leaves it alone, until the state says that it is the kernel's again.
        let frame = unsafe {
            let begin = self.memory.add(offset);
            let state = AtomicU32::from_ptr(begin.as_ptr().cast());
            if state.load(Ordering::Acquire) & OF_USER == 0 {
                return None;
            }
            let header: Header = begin.add(size_of::<u32>()).cast().read();
            let from = usize::from(header.begin).min(self.layout.frame);
            let length = (header.kept as usize).min(self.layout.frame - from);
            let bytes = std::slice::from_raw_parts(begin.add(from).as_ptr(), length).to_vec();
            state.store(OF_KERNEL, Ordering::Release);
            Frame { bytes, at_us: u64::from(header.seconds) * 1_000_000 + u64::from(header.nanoseconds) / 1000 }
        };
        self.next = (self.next + 1) % self.layout.frames();
        Some(frame)
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: this is the mapping of `new`, and nothing refers to it any more.
        let _ = unsafe { libc::munmap(self.memory.as_ptr().cast::<c_void>(), self.layout.bytes()) };
    }
}

/// Returns how many frames a packet socket has dropped since this was last asked: its ring was full.
pub(super) fn missed(socket: &OwnedFd) -> u64 {
    let mut statistics = Statistics::default();
    let mut length = size_of::<Statistics>() as libc::socklen_t;
    let to = (&raw mut statistics).cast();
    // SAFETY: the pointers are to a whole tpacket_stats and to its length, which live as long as the call.
    let result =
        unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_PACKET, PACKET_STATISTICS, to, &raw mut length) };
    if result == 0 { u64::from(statistics.drops) } else { 0 }
}

/// Sets an option of a packet socket.
pub(super) fn set<T>(socket: &OwnedFd, option: i32, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    let from = std::ptr::from_ref(value).cast();
    // SAFETY: the pointer is to a whole value, which lives as long as the call.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, from, length) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_any_size_fit_their_blocks_and_do_not_overlap() {
        for (mtu, page) in [(576, 4096), (1500, 4096), (1500, 65_536), (9000, 4096), (65_535, 4096), (65_535, 65_536)] {
            let layout = Layout::of(mtu, page);
            // What the kernel requires (packet_set_ring in net/packet/af_packet.c).
            assert_eq!((layout.block % page, layout.frame % ALIGNMENT), (0, 0), "{mtu}, {page}: {layout:?}");
            assert_eq!(layout.block / layout.frame, layout.per_block, "{mtu}, {page}: {layout:?}");
            assert!(layout.frame >= HEADROOM + mtu && layout.frames() >= LEAST_FRAMES, "{mtu}, {page}: {layout:?}");
            assert!(layout.bytes() <= 64 << 20, "{mtu}, {page}: {layout:?}");
            let mut free = 0;
            for number in 0..layout.frames() {
                let begin = layout.offset(number);
                let block = begin / layout.block;
                assert!(begin >= free && (begin + layout.frame).div_ceil(layout.block) == block + 1, "{number}");
                free = begin + layout.frame;
            }
            assert!(free <= layout.bytes());
        }
    }
}
