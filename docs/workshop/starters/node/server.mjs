// Your own server, in Node, without dependencies: one feed, four endpoints.
//
// It runs as it is: `node server.mjs 8070`. `POST /feed` publishes. Every other endpoint answers 501 and says what to
// build. Complete the stages in order, and check after each one:
//
//     feedlab workshop check --url http://127.0.0.1:8070 --stage 1
//
// See docs/wire.md for what each endpoint must answer, and docs/contract (one file per stage) for what is checked.

import { createServer } from "node:http";

const PORT = Number(process.argv[2] ?? 8070);
/** How many past updates the feed keeps. Without a limit, memory would grow forever. */
const HISTORY = 1000;
/** The largest update, in bytes. */
const MAX_UPDATE = 1 << 20;

// The feed: it numbers the updates, and keeps the most recent ones.

class Feed {
  /** Identifies a lifetime of this feed, in which a `seq` always means the same update: four characters of 0-9a-z. */
  epoch = Math.floor(Math.random() * 36 ** 4).toString(36).padStart(4, "0");
  /** The `seq` of the newest update; 0 before the first. */
  head = 0;
  /** The most recent updates, oldest first. */
  history = [];

  /** Publishes an update, and returns its `seq`. */
  publish(data, type = "message") {
    this.head += 1;
    this.history.push({ seq: this.head, at: Date.now() * 1000, type, data });
    if (this.history.length > HISTORY) this.history.shift();
    // Your turn, from stage 3 on: wake every client that is waiting.
    return this.head;
  }
}

const feed = new Feed();

// Stage 1, short polling: `GET /feed/poll?after=CURSOR`.
//
// - Answer immediately: `{"updates":[…],"next":"k3f9.8","gap":null}`, with all updates after the cursor, oldest first.
// - A cursor is an epoch and a `seq`. A client without one starts from now: it gets no updates, and `next` is the head.
// - Anything that isn't a valid cursor gets a 400. A cursor older than the history gets a gap, one of another epoch a
//   reset.
// - **Never lose an update silently**: the gap and the updates together cover everything after the cursor.
//
// Stage 2, `ETag`: the head's cursor in quotes. A request that has it in `If-None-Match` gets a 304 without a body.
//
// - The header is a list, across all its lines. Compare tags weakly (`W/"x"` matches `"x"`); `*` matches any tag.

function poll(request, response, query) {
  // Your turn.
  notYet(response, "stage 1: answer {\"updates\":[],\"next\":\"EPOCH.SEQ\",\"gap\":null}");
}

// Stage 3, long polling: `GET /feed/long-poll?after=CURSOR&hold=25s`.
//
// - If there are updates after the cursor, answer immediately, with the body of stage 1.
// - If there are none, wait for one. If the hold ends first, answer 204 without a body.
// - **Miss nothing in between**: an update can be published between two polls, or between your check and your wait.
// - When a client disconnects, leave nothing behind: no timer and no listener.

function longPoll(request, response, query) {
  // Your turn.
  notYet(response, "stage 3: hold the request until there is an update after the cursor");
}

// Stage 4, Server-Sent Events: `GET /feed/sse`.
//
// - Send `Content-Type: text/event-stream`, and let no cache store it. Send the head before the first update.
// - Begin with `id: CURSOR` and `retry: 2000`, then a blank line. Without that id, what does a client lose whose
//   connection breaks before the first update?
// - Each update is `id:`, `event:` and `data:` in one block: `data: {"at":…,"data":…}`.
// - Send a comment (`:`, then a blank line) now and then, to keep proxies from closing a silent stream.
// - `HEAD` gets a 405, and a client whose `Accept` excludes the type gets a 406.
//
// Stage 5, resume: `Last-Event-ID`, or else `?after=CURSOR`.
//
// - Send the updates after that cursor, then new ones, each exactly once, even those that are published in between.
// - If an id is unknown, of another epoch or from the future, tell the client: 400, `event: reset` or `event: gap`.

function sse(request, response, query) {
  // Your turn.
  notYet(response, "stage 4: send an event stream that begins with the client's cursor as its id");
}

// Stage 6, WebSocket: `GET /feed/ws?after=CURSOR`.
//
// - The handshake: `Sec-WebSocket-Accept` is the SHA-1 of the key and a constant (RFC 6455, section 4.2.2).
// - The first message is `{"hello":{"cursor":"k3f9.7"}}`, or `{"reset":…}`. Each update is a text frame with the same
//   JSON as in a poll.
// - Client frames are masked and may be fragments; a ping may arrive between two fragments. Limit what you collect.
// - Close with a code: 1001 server ends, 1002 malformed frame, 1007 not UTF-8, 1008 not accepted, 1009 too large.
//
// `head` has the bytes that have already arrived after the request. A request without an upgrade gets a 426.

function websocket(request, socket, head, query) {
  // Your turn.
  const text = "Your turn, stage 6: answer the opening handshake with 101\n";
  socket.end(`HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n${text}`);
}

// Stages 7 to 10 add no endpoints. They test what your server does when clients read slowly, vanish or close one side
// (7), and when they all reconnect at once or your server gets a `SIGTERM` (8); whether all four endpoints send the
// same updates (9); and what an update costs (10).

// Publishing already works: `POST /feed` with `text/plain`, or with `application/json` as `{"type":…,"data":…}`.

async function publish(request, response) {
  const body = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_UPDATE) return text(response, 413, "this update is too large", { Connection: "close" });
    body.push(part);
  }
  const kind = (request.headers["content-type"] ?? "text/plain").split(";")[0].trim().toLowerCase();
  const data = Buffer.concat(body).toString();
  if (kind === "text/plain") return accepted(response, feed.publish(data));
  if (kind !== "application/json") return text(response, 415, "publish text/plain or application/json");
  const update = parsed(data);
  if (!update) return text(response, 400, 'the body must be {"type":…,"data":…}');
  accepted(response, feed.publish(update.data, update.type));
}

/** Returns the update in a JSON body, or undefined if the body is invalid. */
function parsed(body) {
  let update;
  try {
    update = JSON.parse(body);
  } catch {
    return undefined;
  }
  const type = update?.type ?? "message";
  const isType = typeof type === "string" && /^[^\r\n\0]+$/.test(type) && Buffer.byteLength(type) <= 64;
  if (typeof update?.data !== "string" || !isType || ["gap", "reset"].includes(type)) return undefined;
  return { type, data: update.data };
}

function accepted(response, seq) {
  answer(response, 202, JSON.stringify({ seq }), { "Content-Type": "application/json" });
}

function text(response, status, line, headers = {}) {
  answer(response, status, `${line}\n`, { "Content-Type": "text/plain; charset=utf-8", ...headers });
}

/** Sends a complete response. Without its length, Node would send it in chunks. */
function answer(response, status, body, headers) {
  response.writeHead(status, { "Content-Length": Buffer.byteLength(body), ...headers }).end(body);
}

function notYet(response, line) {
  text(response, 501, `Your turn, ${line}`);
}

// The handler for each path.

const GET = {
  __proto__: null,
  "/feed/poll": poll,
  "/feed/long-poll": longPoll,
  "/feed/sse": sse,
  "/feed/ws": (request, response) => notYet(response, "stage 6: without an upgrade, answer 426"),
};

/** Returns the path and the query of a request. */
function target(request) {
  const [path, query] = request.url.split("?", 2);
  return [path, new URLSearchParams(query)];
}

const server = createServer((request, response) => {
  const [path, query] = target(request);
  if (path === "/feed" && request.method === "POST") {
    publish(request, response).catch(() => response.destroy()); // the client disconnected before its body was complete
  } else if (GET[path]) {
    GET[path](request, response, query);
  } else {
    text(response, 404, "nothing here; GET /feed/poll is where to begin");
  }
});

// Node passes every upgrade request here, on any path.
server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  websocket(request, socket, head, target(request)[1]);
});

server.listen(PORT, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
