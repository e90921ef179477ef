"""One feed on aiohttp, with a history that all four transports resume from.

scripts/peers starts it: python.py PORT

  POST /pub                publishes the body
  GET /sse                 an event stream; ids are numbers, and Last-Event-ID resumes
  GET /ws?after=N          a WebSocket; every message is {"id":8,"text":"…"}
  GET /poll?after=N        {"items":[{"id":8,"text":"…"}],"next":8}
  GET /long-poll?after=N   the same, as soon as there is something after N; 204 after 25 s

A client without a position begins with the next message. After a position that is older than the history comes the oldest
message, and the client sees the gap in the numbers. A position ahead of the feed is from before a restart, and one that is
not a number is from another server: all that is there is new to that client.
"""

import asyncio
import re
import sys
from collections import deque

from aiohttp import WSCloseCode, WSMsgType, web

HISTORY = 1000
HOLD_S = 25
HEARTBEAT_S = 15


class Feed:
    """The last messages, numbered from 1."""

    def __init__(self):
        self.last = 0
        self.history = deque(maxlen=HISTORY)
        self.news = asyncio.Event()
        self.is_over = False

    def publish(self, text):
        self.last += 1
        self.history.append((self.last, text))
        self.wake()

    def wake(self):
        """Wakes all who wait for this message; from now on, others wait for the next."""
        self.news.set()
        self.news = asyncio.Event()

    def after(self, position):
        """Returns the messages after a position: from the end, because most clients lack only the newest."""
        count = min(max(self.last - position, 0), len(self.history))
        return [self.history[-back] for back in range(count, 0, -1)]

    async def next(self, position):
        """Returns the messages after a position as soon as there are any, and none when a heartbeat is due."""
        if self.last <= position:
            await self.news.wait()
        return self.after(position)

    async def beat(self):
        # One timer for all clients: one for each message and client would cost more than the message.
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            self.wake()

    async def end(self, _):
        self.is_over = True
        self.wake()


feed = Feed()


def position(text):
    """Returns where a client continues: what it sent, or the end of the feed."""
    if not text:
        return feed.last
    return int(text) if re.fullmatch("[0-9]{1,15}", text) and int(text) <= feed.last else 0


async def publish(request):
    feed.publish(await request.text())
    return web.Response(status=201)


async def sse(request):
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    at = position(request.headers.get("Last-Event-ID"))
    await response.prepare(request)
    # The client has a position even if the connection breaks before the first message.
    await response.write(f"id: {at}\n\n".encode())
    while not feed.is_over:
        if messages := await feed.next(at):
            at = messages[-1][0]
            await response.write("".join(event(*message) for message in messages).encode())
        else:
            await response.write(b":\n\n")
    return response


def event(number, text):
    # Not splitlines(): to an event stream, only these three are line endings.
    lines = "".join(f"data: {line}\n" for line in re.split("\r\n|\r|\n", text))
    return f"id: {number}\n{lines}\n"


async def websocket(request):
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
    at = position(request.query.get("after"))
    await socket.prepare(request)
    sender = asyncio.create_task(send(socket, at))
    try:
        # Reads what the client sends, to answer its pings and its close, and ignores the rest.
        async for message in socket:
            if message.type == WSMsgType.ERROR:
                break
    finally:
        sender.cancel()
    return socket


async def send(socket, at):
    while not feed.is_over:
        for at, text in await feed.next(at):
            await socket.send_json({"id": at, "text": text})
    await socket.close(code=WSCloseCode.GOING_AWAY)


async def poll(request):
    return page(feed.after(position(request.query.get("after"))))


async def long_poll(request):
    at = position(request.query.get("after"))
    try:
        async with asyncio.timeout(HOLD_S):
            while not (messages := await feed.next(at)) and not feed.is_over:
                pass
    except TimeoutError:
        messages = []
    return page(messages) if messages else web.Response(status=204)


def page(messages):
    items = [{"id": number, "text": text} for number, text in messages]
    return web.json_response({"items": items, "next": feed.last}, headers={"Cache-Control": "no-store"})


async def heartbeat(_):
    beating = asyncio.create_task(feed.beat())
    yield
    beating.cancel()


def main():
    app = web.Application()
    app.cleanup_ctx.append(heartbeat)
    app.on_shutdown.append(feed.end)
    # The response to a HEAD would never end.
    app.add_routes([web.post("/pub", publish), web.get("/sse", sse, allow_head=False), web.get("/ws", websocket),
                    web.get("/poll", poll), web.get("/long-poll", long_poll)])
    # The handler of a client that disconnects ends at once, and does not wait for the next message to notice.
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, backlog=1024,
                shutdown_timeout=1, handler_cancellation=True)


if __name__ == "__main__":
    main()
