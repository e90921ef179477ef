"""Your own server, in Python, without dependencies: one feed, four endpoints.

It runs as it is: `python3 server.py 8070`. `POST /feed` publishes. Every other endpoint answers 501 and says what to
build. Complete the stages in order, and check after each one:

    feedlab workshop check --url http://127.0.0.1:8070 --stage 1

See docs/wire.md for what each endpoint must answer, and docs/contract (one file per stage) for what is checked.

Each connection has its own thread, so a handler may simply wait.
"""

import json
import random
import sys
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

# How many past updates the feed keeps. Without a limit, memory would grow forever.
HISTORY = 1000
# The largest update, in bytes.
MAX_UPDATE = 1 << 20


# The feed: it numbers the updates, and keeps the most recent ones.


class Feed:
    def __init__(self):
        # Identifies a lifetime of this feed, in which a `seq` always means the same update: four characters of 0-9a-z.
        self.epoch = "".join(random.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=4))
        # The `seq` of the newest update; 0 before the first.
        self.head = 0
        # The most recent updates, oldest first.
        self.history = deque(maxlen=HISTORY)
        # Hold it while you read or change the feed, because every connection has its own thread.
        self.changed = threading.Condition()

    def publish(self, data, type="message"):
        """Publishes an update, and returns its `seq`."""
        with self.changed:
            self.head += 1
            self.history.append({"seq": self.head, "at": time.time_ns() // 1000, "type": type, "data": data})
            # Your turn, from stage 3 on: wake every client that is waiting.
            return self.head


feed = Feed()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    # Stage 1, short polling: `GET /feed/poll?after=CURSOR`.
    #
    # - Answer immediately: `{"updates":[…],"next":"k3f9.8","gap":null}`, with all updates after the cursor, oldest
    #   first.
    # - A cursor is an epoch and a `seq`. A client without one starts from now: it gets no updates, and `next` is the
    #   head.
    # - Anything that isn't a valid cursor gets a 400. A cursor older than the history gets a gap, one of another epoch
    #   a reset.
    # - **Never lose an update silently**: the gap and the updates together cover everything after the cursor.
    #
    # Stage 2, `ETag`: the head's cursor in quotes. A request that has it in `If-None-Match` gets a 304 without a body.
    #
    # - The header is a list, across all its lines (`self.headers.get_all`). Compare tags weakly (`W/"x"` matches
    #   `"x"`); `*` matches any tag.

    def poll(self, query):
        # Your turn.
        self.not_yet('stage 1: answer {"updates":[],"next":"EPOCH.SEQ","gap":null}')

    # Stage 3, long polling: `GET /feed/long-poll?after=CURSOR&hold=25s`.
    #
    # - If there are updates after the cursor, answer immediately, with the body of stage 1.
    # - If there are none, wait for one. If the hold ends first, answer 204 without a body.
    # - **Miss nothing in between**: an update can be published between two polls, or between your check and your wait.
    # - When a client disconnects, leave nothing behind: no thread that waits forever.

    def long_poll(self, query):
        # Your turn.
        self.not_yet("stage 3: hold the request until there is an update after the cursor")

    # Stage 4, Server-Sent Events: `GET /feed/sse`.
    #
    # - Send `Content-Type: text/event-stream`, and let no cache store it. Send the head before the first update.
    #   HTTP/1.1 needs `Transfer-Encoding: chunked`; HTTP/1.0 has no chunks.
    # - Begin with `id: CURSOR` and `retry: 2000`, then a blank line. Without that id, what does a client lose whose
    #   connection breaks before the first update?
    # - Each update is `id:`, `event:` and `data:` in one block: `data: {"at":…,"data":…}`.
    # - Send a comment (`:`, then a blank line) now and then, to keep proxies from closing a silent stream.
    # - `HEAD` gets a 405, and a client whose `Accept` excludes the type gets a 406.
    #
    # Stage 5, resume: `Last-Event-ID`, or else `?after=CURSOR`.
    #
    # - Send the updates after that cursor, then new ones, each exactly once, even those that are published in between.
    # - If an id is unknown, of another epoch or from the future, tell the client: 400, `event: reset` or `event: gap`.

    def sse(self, query):
        # Your turn.
        self.not_yet("stage 4: send an event stream that begins with the client's cursor as its id")

    # Stage 6, WebSocket: `GET /feed/ws?after=CURSOR`.
    #
    # - The handshake: `Sec-WebSocket-Accept` is the SHA-1 of the key and a constant (RFC 6455, section 4.2.2).
    # - The first message is `{"hello":{"cursor":"k3f9.7"}}`, or `{"reset":…}`. Each update is a text frame with the
    #   same JSON as in a poll.
    # - Client frames are masked and may be fragments; a ping may arrive between two fragments. Limit what you collect.
    # - Close with a code: 1001 server ends, 1002 malformed frame, 1007 not UTF-8, 1008 not accepted, 1009 too large.
    #
    # Read frames from `self.rfile`, and write them to `self.wfile`.

    def websocket(self, query):
        # Your turn.
        self.not_yet("stage 6: answer the opening handshake with 101")

    # Stages 7 to 10 add no endpoints. They test what your server does when clients read slowly, vanish or close one
    # side (7), and when they all reconnect at once or your server gets a `SIGTERM` (8); whether all four endpoints send
    # the same updates (9); and what an update costs (10).

    # Publishing already works: `POST /feed` with `text/plain`, or with `application/json` as `{"type":…,"data":…}`.

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if urlsplit(self.path).path != "/feed":
            return self.refuse(404, "nothing here; POST /feed publishes")
        if not length.isdecimal():
            return self.refuse(411, "send the body with a Content-Length")
        if int(length) > MAX_UPDATE:
            return self.refuse(413, "this update is too large")
        body = self.rfile.read(int(length))
        update, why = parsed(self.headers.get_content_type() if "Content-Type" in self.headers else "text/plain", body)
        if not update:
            return self.refuse(*why)
        self.answer(202, json.dumps({"seq": feed.publish(*update)}), "application/json")

    # The method for each path.

    def do_GET(self):
        endpoints = {
            "/feed/poll": self.poll,
            "/feed/long-poll": self.long_poll,
            "/feed/sse": self.sse,
            "/feed/ws": self.websocket,
        }
        url = urlsplit(self.path)
        endpoint = endpoints.get(url.path)
        if not endpoint:
            return self.refuse(404, "nothing here; GET /feed/poll is where to begin")
        endpoint(parse_qs(url.query, keep_blank_values=True))

    def answer(self, status, body, content_type):
        body = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, line):
        # The rest of the request's body may still arrive, and would be parsed as the next request.
        self.close_connection = True
        self.answer(status, line + "\n", "text/plain; charset=utf-8")

    def not_yet(self, line):
        self.refuse(501, f"Your turn, {line}")

    def log_message(self, *_):
        """Does not log requests."""


def parsed(content_type, body):
    """Returns the data and the type of a body, or the status and the text of a rejection."""
    if content_type not in ("text/plain", "application/json"):
        return None, (415, "publish text/plain or application/json")
    try:
        if content_type == "text/plain":
            return (body.decode(), "message"), None
        update = json.loads(body)
        data, type = update["data"], update.get("type", "message")
        is_type = 0 < len(type.encode()) <= 64 and not set(type) & set("\r\n\0") and type not in ("gap", "reset")
        if not isinstance(data, str) or not is_type:
            raise ValueError
        return (data, type), None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None, (400, 'the body must be UTF-8 text, or {"type":…,"data":…}')


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, address):
        """Ignores clients that disconnect, and reports all other errors."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, address)


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8070), Handler)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
