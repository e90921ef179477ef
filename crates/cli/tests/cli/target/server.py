"""A small server that knows nothing of feedlab: POST /pub, and what was published as an event stream at GET /sse and as a
list at GET /poll?after=N. Its first argument is the number of publications after which it exits, if it does."""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

updates, news = [], threading.Condition()
MOST = int(sys.argv[1]) if len(sys.argv) > 1 else None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path != "/pub":
            return self.send_error(404, "there is no such channel")
        with news:
            updates.append(text)
            news.notify_all()
        if MOST is not None and len(updates) > MOST:
            print("I have had enough", flush=True)
            os._exit(7)
        self.answer(200, {"stored": len(updates)})

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, "ready")
        if self.path == "/sse":
            return self.stream()
        if self.path.startswith("/poll"):
            after = int(self.path.partition("after=")[2] or len(updates))
            return self.answer(200, {"items": updates[after:], "next": len(updates)})
        self.send_error(404, "there is no such path")

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        sent = len(updates)
        while True:
            with news:
                news.wait_for(lambda: len(updates) > sent)
                new, sent = updates[sent:], len(updates)
            self.wfile.write("".join(f"data: {json.dumps(text)}\n\n" for text in new).encode())

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # The client has left.

    def log_message(self, *arguments):
        pass


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
