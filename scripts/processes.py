"""The processes of a measurement, for scripts/bench-server: what is started here is ended here, each by its own handle."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASE = ROOT / "target/release"
# A server that does not answer by then never will.
PATIENCE_S = 30


class Failed(Exception):
    """It could not be measured, and this is why."""


class Process:
    # Those that run, in case an interrupt comes before their `with`.
    started = set()

    def __init__(self, command):
        self.errors = tempfile.TemporaryFile("w+")
        try:
            self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                          text=True, cwd=ROOT)
        except OSError as error:
            raise Failed(f"{command[0]}: {error.strerror}") from error
        self.started.add(self.child)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.terminate()
        try:
            self.child.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.communicate()
        self.started.discard(self.child)

    def line(self):
        """The next line of JSON that it prints."""
        if line := self.child.stdout.readline():
            return json.loads(line)
        raise self.failed()

    def failed(self):
        self.errors.seek(0)
        return Failed(f"{' '.join(map(str, self.child.args))}: {self.errors.read().strip() or 'it ended'}")

    def go(self):
        self.child.stdin.write("\n")
        self.child.stdin.flush()

    def pids(self):
        pid = self.child.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def cpu_s(self):
        # The clock of a whole process (clock_getcpuclockid(3)): /proc/PID/stat counts in steps of 10 ms.
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.pids())

    def memory_kib(self):
        rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.pids())
        return sum(int(line.split()[1]) for text in rollups for line in text.splitlines() if line.startswith("Pss:"))


class Server(Process):
    """A server that says in its first line where it listens."""

    def __init__(self, command):
        super().__init__(command)
        self.listening = self.line()
        self.addr = self.listening["listening"]

    def fetch(self, path, data=None):
        request = urllib.request.Request(f"http://{self.addr}{path}", data, {"Content-Type": "text/plain"})
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            answer.read()
            return answer.headers


class Nginx(Process):
    """nginx with one static file, which is what a poll without news looks like."""

    def __init__(self, program, folder):
        self.addr = f"127.0.0.1:{free_port()}"
        folder.chmod(0o755)
        (folder / "poll").write_text('{"updates":[],"next":"k3f9.5","gap":null}')
        (folder / "nginx.conf").write_text(f"""
            daemon off; pid {folder}/pid; error_log {folder}/errors; worker_processes {os.cpu_count()};
            events {{ worker_connections 4000; }}
            http {{ access_log off; keepalive_requests 1000000000; default_type application/json;
              server {{ listen {self.addr} reuseport; root {folder}; }} }}""")
        super().__init__([program, "-c", folder / "nginx.conf"])
        end = time.monotonic() + PATIENCE_S
        while len(self.pids()) <= os.cpu_count():
            if self.child.poll() is not None or time.monotonic() > end:
                raise self.failed()
            time.sleep(0.05)

    fetch = Server.fetch


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def reader(mode, server, path, *flags):
    clients = int(flags[flags.index("--clients") + 1].split(",")[-1]) if "--clients" in flags else 0
    # The ports of one source address are for some 28,000 connections, and those of the last rounds rest for a minute.
    sources = 0 if clients <= 5000 else 4
    return Process([RELEASE / "reader", mode, "--addr", server.addr, "--path", path, "--sources", str(sources), *flags])


def note(text):
    print(text, file=sys.stderr, flush=True)
