"""A small hub with widely used packages: Starlette, sse-starlette for the event stream, uvicorn for HTTP and WebSocket.

scripts/peers starts it: hub.py PORT

  POST /pub          publishes the body
  GET /sse           an event stream; ids are numbers, and Last-Event-ID resumes from the last 100 messages
  GET /ws            a WebSocket that sends messages published from now on
  GET /poll?after=N  {"items":[{"id":8,"text":"…"}],"next":8}

If the stream cannot resume from an id (too old, ahead of the newest, or not a number), it sends an event `reset` and then
all messages that are still there: the client learns that messages may be missing. The event's id replaces the bad one.
"""

import asyncio
import sys
from collections import deque

import uvicorn
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute

HISTORY = 100
# A subscriber that falls behind by more than this is disconnected, and may resume.
QUEUE = 1000
BODY_BYTES = 1_000_000

history = deque(maxlen=HISTORY)
subscribers = set()
last = 0


class Subscription:
    """A queue of the messages published while the block runs, as (id, text), then None if the subscriber falls behind."""

    def __enter__(self):
        self.queue = asyncio.Queue(QUEUE + 1)
        subscribers.add(self.queue)
        return self.queue

    def __exit__(self, *_):
        subscribers.discard(self.queue)


def announce(message):
    for queue in list(subscribers):
        if queue.qsize() < QUEUE:
            queue.put_nowait(message)
        else:
            queue.put_nowait(None)
            subscribers.discard(queue)


async def publish(request):
    global last
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            return PlainTextResponse(f"a message has at most {BODY_BYTES} bytes\n", 413)
    last += 1
    message = (last, body.decode(errors="replace"))
    history.append(message)
    announce(message)
    return PlainTextResponse(f"{last}\n", 201)


def after(cursor):
    """Returns the messages after the cursor, and whether all of them are still there."""
    oldest = history[0][0] if history else last + 1
    known = cursor.isascii() and cursor.isdigit() and len(cursor) < 16 and oldest - 1 <= int(cursor) <= last
    return [message for message in history if not known or message[0] > int(cursor)], known


async def sse(request):
    cursor = request.headers.get("last-event-id")
    return EventSourceResponse(events(cursor), ping=15)


async def events(cursor):
    # There is no await between subscribing and reading the history, so no message falls between the two.
    with Subscription() as queue:
        missed, known = after(cursor) if cursor else ([], True)
        if not known:
            before = history[0][0] - 1 if history else last
            yield ServerSentEvent(id=str(before), event="reset", data=f"cannot resume from {cursor!r}")
        for number, text in missed:
            yield ServerSentEvent(id=str(number), data=text)
        while message := await queue.get():
            yield ServerSentEvent(id=str(message[0]), data=message[1])


async def websocket(socket):
    await socket.accept()
    with Subscription() as queue:
        sender = asyncio.create_task(send(socket, queue))
        # Reads what the client sends, to notice when it closes, and ignores it.
        async for _ in messages(socket):
            pass
        sender.cancel()


async def messages(socket):
    while (message := await socket.receive())["type"] != "websocket.disconnect":
        yield message


async def send(socket, queue):
    while message := await queue.get():
        await socket.send_text(message[1])
    await socket.close(1013)


async def poll(request):
    missed, known = after(request.query_params.get("after", "0"))
    items = [{"id": number, "text": text} for number, text in missed]
    return JSONResponse({"items": items, "next": last, "reset": not known})


app = Starlette(
    routes=[
        Route("/pub", publish, methods=["POST"]),
        Route("/sse", sse),
        Route("/poll", poll),
        WebSocketRoute("/ws", websocket),
    ],
    middleware=[Middleware(GZipMiddleware)],
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", timeout_graceful_shutdown=1)
