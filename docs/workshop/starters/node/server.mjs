// Your own server, in Node, without a dependency: one feed, four endpoints.
//
// It runs as it is: `node server.mjs 8070`. `POST /feed` publishes. Every other endpoint answers 501 and says what to
// build. Go through the stages in order, and check after each:
//
//     feedlab workshop check --url http://127.0.0.1:8070 --stage 1
//
// **What each endpoint must answer**: docs/wire.md. **What is checked**: docs/contract, one file for each stage.

import { createServer } from "node:http";

const PORT = Number(process.argv[2] ?? 8070);
/** How many past updates a client may ask for. What is kept has a bound. */
const HISTORY = 1000;
/** The largest update, in bytes. */
const MAX_UPDATE = 1 << 20;

// The feed: numbered updates, and the last of them kept.

class Feed {
  /** One lifetime of this feed, in which a `seq` always means the same update: four characters of 0-9a-z. */
  epoch = Math.floor(Math.random() * 36 ** 4).toString(36).padStart(4, "0");
  /** The `seq` of the newest update; 0 before the first. */
  head = 0;
  /** The last updates, oldest first. */
  history = [];

  /** Publishes an update, and returns its `seq`. */
  publish(data, type = "message") {
    this.head += 1;
    this.history.push({ seq: this.head, at: Date.now() * 1000, type, data });
    if (this.history.length > HISTORY) this.history.shift();
    // Your turn, from stage 3 on: wake every client that waits.
    return this.head;
  }
}

const feed = new Feed();

// Stage 1, short polling: `GET /feed/poll?after=CURSOR`.
//
// - Answer at once: `{"updates":[…],"next":"k3f9.8","gap":null}`, all updates after the cursor, oldest first.
// - A cursor is an epoch and a `seq`. Without one, the client starts from now: no updates, and `next` is the head.
// - What is not a cursor gets a 400. A cursor older than the history gets a gap, one of another epoch a reset.
// - **Nothing is lost in silence**: gap and updates together are everything after the cursor.
//
// Stage 2, `ETag`: the head's cursor in quotes. A request that has it in `If-None-Match` gets a 304 without a body.
//
// - The field is a list, over all its lines; tags are compared weakly (`W/"x"` matches `"x"`), and `*` matches any.

function poll(request, response, query) {
  // Your turn.
  notYet(response, "stage 1: answer {\"updates\":[],\"next\":\"EPOCH.SEQ\",\"gap\":null}");
}

// Stage 3, long polling: `GET /feed/long-poll?after=CURSOR&hold=25s`.
//
// - If there is something after the cursor, answer at once, with the body of stage 1.
// - If there is nothing, wait until there is. When the hold ends first, answer 204 without a body.
// - **Nothing falls into the gap**: an update can be published between two polls, and between your look and your wait.
// - A client that goes away leaves nothing behind: no timer, no listener.

function longPoll(request, response, query) {
  // Your turn.
  notYet(response, "stage 3: hold the request until there is an update after the cursor");
}

// Stage 4, Server-Sent Events: `GET /feed/sse`.
//
// - `Content-Type: text/event-stream`, and no cache may store it. Send the head at once, before the first update.
// - Begin with `id: CURSOR` and `retry: 2000`, then a blank line. What does a client lose that is cut off before its
//   first update, if you do not?
// - Each update is `id:`, `event:` and `data:` in one block: `data: {"at":…,"data":…}`.
// - A comment (`:`, then a blank line) now and then keeps proxies from closing a silent stream.
// - `HEAD` gets a 405, and a client whose `Accept` excludes the type a 406.
//
// Stage 5, resume: `Last-Event-ID`, or else `?after=CURSOR`.
//
// - Send what came after that cursor, then go on, each update once. An update published in between is in one of both.
// - An id that is unknown, of another epoch or from the future is answered openly: 400, `event: reset`, `event: gap`.

function sse(request, response, query) {
  // Your turn.
  notYet(response, "stage 4: send an event stream that begins with the client's cursor as its id");
}

// Stage 6, WebSocket: `GET /feed/ws?after=CURSOR`.
//
// - The handshake: `Sec-WebSocket-Accept` is the SHA-1 of the key and a constant (RFC 6455, section 4.2.2).
// - The first message is `{"hello":{"cursor":"k3f9.7"}}`, or `{"reset":…}`. Each update is a text frame with the JSON
//   that a poll has.
// - A client's frames are masked, and may be fragments; a ping may come between two fragments. Bound what you collect.
// - Close with a code: 1001 the server ends, 1002 a broken frame, 1007 not UTF-8, 1008 not accepted, 1009 too large.
//
// `head` is what has already arrived behind the request. A request that asks for no upgrade gets a 426.

function websocket(request, socket, head, query) {
  // Your turn.
  const text = "Your turn, stage 6: answer the opening handshake with 101\n";
  socket.end(`HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n${text}`);
}

// Stages 7 to 10 have no endpoints of their own. They ask what your server does with clients that read slowly, vanish or
// close one side (7), that all come back at once, and when it ends itself: `SIGTERM` (8); whether all four endpoints
// tell the same (9); and what an update costs (10).

// Publishing is ready: `POST /feed` with `text/plain`, or with `application/json` as `{"type":…,"data":…}`.

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

/** Returns the update of a JSON body, or undefined if it is none. */
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

/** Sends a whole answer. Without its length, Node would send it in chunks. */
function answer(response, status, body, headers) {
  response.writeHead(status, { "Content-Length": Buffer.byteLength(body), ...headers }).end(body);
}

function notYet(response, line) {
  text(response, 501, `Your turn, ${line}`);
}

// Which handler answers what.

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
    publish(request, response).catch(() => response.destroy()); // the client left before its body was complete
  } else if (GET[path]) {
    GET[path](request, response, query);
  } else {
    text(response, 404, "nothing here; GET /feed/poll is where to begin");
  }
});

// Node hands over every request that asks for an upgrade, on any path.
server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  websocket(request, socket, head, target(request)[1]);
});

server.listen(PORT, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
