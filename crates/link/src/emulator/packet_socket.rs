//! A packet socket (packet(7)): whole Ethernet frames of one interface, as the kernel hands them over.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, netdevice, send, socket_with, sockopt};

use super::ring::{self, Frame, Ring};

/// The length of the header of an Ethernet frame, bytes: two addresses and a type.
pub(super) const ETHERNET_HEADER: usize = 14;
/// `PACKET_IGNORE_OUTGOING` of linux/if_packet.h.
const IGNORE_OUTGOING: i32 = 23;

/// A packet socket that is bound to an interface.
#[derive(Debug)]
pub(super) struct PacketSocket {
    socket: OwnedFd,
    ring: Ring,
    index: u32,
    name: String,
}

impl PacketSocket {
    /// Opens a socket for all frames that arrive at an interface of this network namespace, with packets of up to `mtu`
    /// bytes.
    pub(super) fn open(interface: &str, mtu: usize) -> io::Result<Self> {
        // Without a protocol, until it is bound: it would get the frames of all interfaces.
        let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
        let ring = Ring::new(&socket, mtu)?;
        // What this namespace itself sends there is not for the other side. Linux before 4.20 does not know it.
        let _ = ring::set(&socket, IGNORE_OUTGOING, &1_i32);
        let index = netdevice::name_to_index(&socket, interface)?;
        kernel::bind(&socket, index)?;
        Ok(Self { socket, ring, index, name: interface.to_owned() })
    }

    /// Takes the next frame; `None` if there is none.
    pub(super) fn read(&mut self) -> Option<Frame> {
        self.ring.take()
    }

    /// Sends a frame.
    pub(super) fn write(&self, frame: &[u8]) -> io::Result<()> {
        send(&self.socket, frame, SendFlags::DONTWAIT)?;
        Ok(())
    }

    /// Returns how many frames were not read since this was last asked, as they came faster than that.
    pub(super) fn missed(&self) -> u64 {
        ring::missed(&self.socket)
    }

    /// Clears the error that poll(2) reports. An interface that is down may come up again, and the socket goes on then.
    ///
    /// # Errors
    /// If the interface is gone.
    pub(super) fn recover(&self) -> io::Result<()> {
        let _ = sockopt::socket_error(&self.socket);
        match netdevice::index_to_name(&self.socket, self.index) {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::new(io::ErrorKind::NotFound, format!("the interface {} is gone", self.name))),
        }
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Makes each frame of an interface one packet with its checksum, and switches off what a virtual interface leaves to
/// hardware that it does not have: segmentation, coalescing and checksums. It concerns what the interface itself sends, so
/// both ends of a pair need it, before anything is sent.
///
/// # Errors
/// If the interface does not exist in this network namespace, or the process may not configure it (`CAP_NET_ADMIN`).
pub fn switch_off_offloads(interface: &str) -> io::Result<()> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    kernel::switch_off_offloads(&socket, interface)
}

/// What no crate of this workspace has a safe wrapper for.
#[expect(unsafe_code, reason = "addresses of packet sockets and ethtool's commands have no safe wrapper")]
mod kernel {
    use std::ffi::c_void;
    use std::io;
    use std::mem::size_of;
    use std::os::fd::OwnedFd;

    use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl};
    use rustix::net::addr::{SocketAddrArg, SocketAddrLen, SocketAddrOpaque};

    /// `SIOCETHTOOL` of linux/sockios.h.
    const SIOCETHTOOL: Opcode = 0x8946;
    /// Commands of linux/ethtool.h: transmit checksums, segmentation of TCP and of any protocol, and coalescing of what
    /// was received. The last may be missing.
    const COMMANDS: [u32; 4] = [0x17, 0x1f, 0x24, 0x2c];

    /// The address of an interface, `sockaddr_ll`.
    struct Interface(libc::sockaddr_ll);

    // SAFETY: the pointer is to a whole sockaddr_ll, which lives as long as the call.
    unsafe impl SocketAddrArg for Interface {
        unsafe fn with_sockaddr<R>(&self, f: impl FnOnce(*const SocketAddrOpaque, SocketAddrLen) -> R) -> R {
            f((&raw const self.0).cast(), size_of::<libc::sockaddr_ll>() as SocketAddrLen)
        }
    }

    /// Binds a packet socket to an interface, for all protocols.
    pub(super) fn bind(socket: &OwnedFd, index: u32) -> io::Result<()> {
        // SAFETY: all bytes of a sockaddr_ll may be zero.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = i32::try_from(index).map_err(io::Error::other)?;
        Ok(rustix::net::bind(socket, &Interface(address))?)
    }

    /// `struct ethtool_value`: a command and its argument.
    #[repr(C)]
    struct Command {
        command: u32,
        value: u32,
    }

    /// `struct ifreq` with a pointer to a command.
    struct Request {
        request: libc::ifreq,
    }

    // SAFETY: the opcode takes a pointer to an ifreq, whose pointer is to a command that lives as long as the call.
    unsafe impl Ioctl for Request {
        type Output = ();
        const IS_MUTATING: bool = true;

        fn opcode(&self) -> Opcode {
            SIOCETHTOOL
        }

        fn as_ptr(&mut self) -> *mut c_void {
            (&raw mut self.request).cast()
        }

        unsafe fn output_from_ptr(_: IoctlOutput, _: *mut c_void) -> rustix::io::Result<()> {
            Ok(())
        }
    }

    /// Makes every frame one packet, with its checksum.
    pub(super) fn switch_off_offloads(socket: &OwnedFd, interface: &str) -> io::Result<()> {
        for command in COMMANDS {
            let mut command = Command { command, value: 0 };
            // SAFETY: all bytes of an ifreq may be zero.
            let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
            if interface.len() >= request.ifr_name.len() {
                return Err(io::Error::other("the name of the interface is too long"));
            }
            for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes()) {
                *to = from.cast_signed();
            }
            request.ifr_ifru.ifru_data = (&raw mut command).cast();
            // SAFETY: as for Request.
            match unsafe { ioctl(socket, Request { request }) } {
                Ok(()) | Err(rustix::io::Errno::OPNOTSUPP) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
