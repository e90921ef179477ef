// One feed on uWebSockets.js: its own publish and subscribe for WebSocket, and a loop over the open event streams.
// Events have no ids: the library keeps no history, so there would be nothing to resume from.
//
// scripts/peers starts it: node uwebsockets.mjs PORT
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { App } = require("@trufflesuite/uws-js-unofficial");

// Without a native module for this version of Node, the package silently replaces it with JavaScript.
if (!Object.keys(require.cache).some((file) => /\/uws_[^/]+\.node$/.test(file))) {
  console.error("uWebSockets's native module did not load: use Node 16, 18 or 20 with glibc, on x64 or arm64");
  process.exit(1);
}

const PORT = Number(process.argv[2]);
/** How much a client may leave unread, in bytes, before messages to it are dropped. */
const MAX_BACKPRESSURE = 16 << 20;
const streams = new Set();
const app = App();

app.post("/pub", (response) => {
  const parts = [];
  response.onAborted(() => {});
  response.onData((part, isLast) => {
    // The memory of `part` is reused after this call.
    parts.push(Buffer.from(Buffer.from(part)));
    if (!isLast) return;
    publish(Buffer.concat(parts).toString());
    response.writeStatus("201 Created").end();
  });
});

function publish(message) {
  app.publish("feed", message);
  // Each line of the message has a `data:` of its own.
  const event = `data: ${message.replace(/\r\n|\r|\n/g, "\ndata: ")}\n\n`;
  for (const stream of streams) stream.write(event);
}

app.get("/sse", (response) => {
  response.onAborted(() => streams.delete(response));
  response.writeHeader("Content-Type", "text/event-stream").writeHeader("Cache-Control", "no-cache");
  // The head is sent with the first bytes of the body.
  response.write(": open\n\n");
  streams.add(response);
});

app.ws("/ws", {
  maxBackpressure: MAX_BACKPRESSURE,
  open: (socket) => socket.subscribe("feed"),
});

app.listen("127.0.0.1", PORT, (socket) => {
  if (socket) return;
  console.error(`cannot listen on port ${PORT}`);
  process.exit(1);
});
