"""Senders and receivers on both sides of a link, for scripts/check-link, which starts them with `feedlab link`.

  packets.py server TASK                     # at 10.77.1.1
  packets.py client TASK                     # at 10.77.1.2
  packets.py stay MARK [--serve]             # stays until it is killed; a server makes itself a daemon, too

A task is JSON: what to send for how long, and the folder for what was seen, as server.json and client.json. Both agree on
the start over the control network (10.78.0.0/24, without delay), so that only what is measured crosses the link.

What the scheduling of Python does must not count. So times are the kernel's: the receiver has its packets stamped when they
come (SO_TIMESTAMPNS), and a capture stamps them when they leave and enter the link; the sender reads the clock just before
it sends.
"""

import array
import ctypes
import errno
import json
import multiprocessing
import os
import pathlib
import selectors
import signal
import socket
import struct
import sys
import time

LINK = {"server": "10.77.1.1", "client": "10.77.1.2"}
CONTROL = ("10.78.0.11", 7000)
INTERFACE = {"server": "s0", "client": "c0"}
UDP, TALK, BULK = 9000, 9001, 9002
# The headers of Ethernet, and of IPv4 and UDP.
ETHERNET, HEADERS = 14, 28
STAMP = struct.Struct("!qq")
ETH_P_ALL, PACKET_OUTGOING = 3, 4
SO_ATTACH_FILTER, SO_TIMESTAMPNS = 26, 35
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2
BULK_BYTES = 2_000_000
CONTEXT = multiprocessing.get_context("fork")


def beside(work, *arguments):
    """Starts a function in a process of its own. Call what this returns for the result."""
    reader, writer = CONTEXT.Pipe(duplex=False)
    CONTEXT.Process(target=lambda: writer.send(work(*arguments)), daemon=True).start()
    writer.close()
    return reader.recv


def stamped(ancillary):
    """The time of the kernel, ns since the Unix epoch."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, nanoseconds = struct.unpack("ll", data[:16])
            return seconds * 10**9 + nanoseconds
    raise RuntimeError("the kernel does not stamp packets")


def udp_receiver(side):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    receiver.bind((LINK[side], UDP))
    receiver.settimeout(0.1)
    return receiver


def udp_sender(side):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    sender.connect((LINK["client" if side == "server" else "server"], UDP))
    return sender


def send(sender, start, task):
    """Sends packets at a rate, each with its number and when it was sent. Late ones do not delay those after them."""
    padding = bytes(task["bytes"] - HEADERS - STAMP.size)
    for number in range(task["count"]):
        early = start + number / task["per_s"] - time.monotonic()
        if early > 0:
            time.sleep(early)
        sender.send(STAMP.pack(number, time.time_ns()) + padding)


def receive(receiver, end):
    """The numbers of packets in the order in which they came, and when each was sent and came, ns."""
    numbers, sent, came = (array.array("q") for _ in range(3))
    while time.monotonic() < end:
        try:
            data, ancillary, _, _ = receiver.recvmsg(STAMP.size, 64)
        except TimeoutError:
            continue
        number, at = STAMP.unpack(data)
        numbers.append(number)
        sent.append(at)
        came.append(stamped(ancillary))
    return [list(column) for column in (numbers, sent, came)]


def capture_socket(side):
    """All frames of the link's interface."""
    # Without a protocol until it is bound, or it would see those of other interfaces.
    capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    capture.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    capture.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    capture.settimeout(0.1)
    return capture


def keep_only_udp(capture):
    """Attaches a classic BPF program: UDP over IPv4 to the port of this check, and of it only the beginning."""
    program = [(0x28, 0, 0, 12), (0x15, 0, 6, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 4, socket.IPPROTO_UDP),
               (0xB1, 0, 0, 14), (0x48, 0, 0, 16), (0x15, 0, 1, UDP), (0x06, 0, 0, 64), (0x06, 0, 0, 0)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in program))
    capture.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))


def capture_udp(capture, end):
    """When each packet left and came, ns, by its number."""
    seen = {"left": {}, "came": {}}
    while time.monotonic() < end:
        try:
            data, ancillary, _, address = capture.recvmsg(64, 64)
        except TimeoutError:
            continue
        number, _ = STAMP.unpack_from(data, ETHERNET + HEADERS)
        seen["left" if address[2] == PACKET_OUTGOING else "came"][number] = stamped(ancillary)
    return seen


def capture_sizes(capture, end):
    """The number of frames, and the size of the largest packet, bytes."""
    frames, largest, frame = 0, 0, bytearray(ETHERNET)
    while not end.poll():
        try:
            length = capture.recv_into(frame, flags=socket.MSG_TRUNC)
        except TimeoutError:
            continue
        frames, largest = frames + 1, max(largest, length - ETHERNET)
    return {"frames": frames, "largest": largest}


def echo(listener, end):
    """Answers each message."""
    poll = selectors.DefaultSelector()
    poll.register(listener, selectors.EVENT_READ)
    while time.monotonic() < end:
        for key, _ in poll.select(0.1):
            if key.fileobj is listener:
                poll.register(listener.accept()[0], selectors.EVENT_READ)
            elif key.fileobj.recv(4096):
                key.fileobj.sendall(bytes(200))
            else:
                poll.unregister(key.fileobj)
                key.fileobj.close()


def talk(count, start, end):
    """Keeps connections, of which each sends a message every second. Returns the number of answers."""
    poll, answers, sent = selectors.DefaultSelector(), 0, 0
    connections = [socket.socket() for _ in range(count)]
    for connection in connections:
        # All at once, as each takes a round trip.
        connection.setblocking(False)
        connection.connect_ex((LINK["server"], TALK))
    time.sleep(max(0.0, start - time.monotonic()))
    for connection in connections:
        connection.setblocking(True)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(connection, selectors.EVENT_READ)
    while (now := time.monotonic()) < end:
        due = start + sent / count
        if now >= due:
            connections[sent % count].sendall(bytes(60))
            sent += 1
        for key, _ in poll.select(max(0.0, min(due, end) - time.monotonic())):
            answers += bool(key.fileobj.recv(4096))
    return answers


def listen(address, most=1000):
    return socket.create_server(address, backlog=most)


def emulator():
    """The process that moves the packets: a sibling of this one."""
    parent = os.getppid()
    for children in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            if b"emulate" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0"):
                return child
    raise RuntimeError("no emulator")


def cpu_s(process):
    # The clock of a whole process (clock_getcpuclockid(3)).
    return time.clock_gettime((~process << 3) | 2)


def flow(side, task, agree):
    """Sends and receives packets, beside connections."""
    receiver, sender = udp_receiver(side), udp_sender(side)
    capture = None
    if task.get("capture"):
        capture = capture_socket(side)
        keep_only_udp(capture)
        capture.bind((INTERFACE[side], ETH_P_ALL))
    listener = listen((LINK[side], TALK)) if side == "server" else None
    start = agree(time.monotonic() + (2.5 if "connections" in task else 1.0))
    sent = start + task["count"] / task["per_s"]
    end = sent + task["drain_s"]
    received = beside(receive, receiver, end)
    captured = beside(capture_udp, capture, end) if capture else dict
    if side == "server":
        beside(echo, listener, end)
    talking = [beside(talk, count, start, sent) for count in task.get("connections", []) if side == "client"]
    sending = beside(send, sender, start, task)
    process = emulator() if side == "client" else os.getpid()
    time.sleep(max(0.0, start - time.monotonic()))
    before, ahead = cpu_s(process), time.time() - time.monotonic()
    time.sleep(max(0.0, sent - time.monotonic()))
    used = cpu_s(process) - before
    sending()
    seen = {"received": received(), "captured": captured(), "answers": [answers() for answers in talking]}
    return seen | {"cpu": used / (sent - start), "clock_step_s": time.time() - time.monotonic() - ahead}


def sizes(side, task, agree):
    """Sends packets of exactly the largest size, one that is larger, and a stream of bytes each way."""
    receiver, sender, capture = udp_receiver(side), udp_sender(side), capture_socket(side)
    capture.bind((INTERFACE[side], ETH_P_ALL))
    listener = listen((LINK[side], BULK)) if side == "server" else None
    ended, end = CONTEXT.Pipe(duplex=False)
    captured = beside(capture_sizes, capture, ended)
    agree(0.0)
    received = beside(receive, receiver, time.monotonic() + task["drain_s"])
    for number in range(10):
        sender.send(STAMP.pack(number, time.time_ns()) + bytes(task["mtu"] - HEADERS - STAMP.size))
    try:
        sender.send(bytes(task["mtu"] - HEADERS + 1))
        refused = None
    except OSError as error:
        refused = errno.errorcode[error.errno]
    stream = listener.accept()[0] if listener else socket.create_connection((LINK["server"], BULK))
    sending = beside(stream.sendall, bytes(BULK_BYTES))
    got = 0
    while got < BULK_BYTES and (data := stream.recv(65536)):
        got += len(data)
    sending()
    seen = {"received": received(), "refused": refused, "stream": got}
    end.send(None)
    return seen | captured()


def meet(side):
    """Connects both sides over the control network; returns its stream of lines."""
    if side == "server":
        return listen(CONTROL).accept()[0].makefile("rw")
    return socket.create_connection(CONTROL).makefile("rw")


def run(side, task):
    meeting = meet(side)

    def agree(at):
        """Both are ready now. Returns the time that the client says."""
        meeting.write(f"{at}\n")
        meeting.flush()
        said = float(meeting.readline())
        return said if side == "server" else at

    seen = {"flow": flow, "sizes": sizes}[task["kind"]](side, task, agree)
    pathlib.Path(task["folder"], f"{side}.json").write_text(json.dumps(seen))
    agree(0.0)


def stay(words):
    """Stays, whatever asks it to end. A server ends when it is asked, but leaves a daemon that does not."""
    is_server = "--serve" in words
    # Bound to a name, or it would be closed.
    _listener = listen(("0.0.0.0", 0)) if is_server else None
    if not is_server or detach():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(60)


def detach():
    """Starts a daemon: without parent, session and standard streams. Returns whether this is it."""
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    with open(os.devnull, "r+b") as nothing:
        for stream in range(3):
            os.dup2(nothing.fileno(), stream)
    return True


if __name__ == "__main__":
    if sys.argv[1] == "stay":
        stay(sys.argv[2:])
    run(sys.argv[1], json.loads(sys.argv[2]))
