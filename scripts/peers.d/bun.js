// One feed on Bun, without packages: its own publish and subscribe for WebSocket, and a loop over the open event streams.
// Events have no ids: Bun keeps no history, so there would be nothing to resume from.
//
// scripts/peers starts it: bun bun.js PORT
const encoder = new TextEncoder();
const streams = new Set();

async function publish(request, server) {
  const message = await request.text();
  server.publish("feed", message);
  // Encoded once, for all streams. Each line of the message has a `data:` of its own.
  const event = encoder.encode(`data: ${message.replace(/\r\n|\r|\n/g, "\ndata: ")}\n\n`);
  for (const stream of streams) {
    stream.write(event);
    stream.flush();
  }
  return new Response(null, { status: 201 });
}

// A direct stream passes what is written on to the socket without a queue in between. It ends when `pull` returns.
function eventStream(request) {
  const body = new ReadableStream({
    type: "direct",
    async pull(stream) {
      // Bun sends the response's head with the first bytes of its body.
      stream.write(": open\n\n");
      stream.flush();
      streams.add(stream);
      await new Promise((closed) => request.signal.addEventListener("abort", closed));
      streams.delete(stream);
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" } });
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2]),
  // By default, Bun closes a connection on which nothing happens for 10 s.
  idleTimeout: 0,
  fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (pathname === "/pub" && request.method === "POST") return publish(request, server);
    if (pathname === "/sse") return eventStream(request);
    if (pathname === "/ws") return server.upgrade(request) ? undefined : new Response("this is a WebSocket\n", { status: 426 });
    return new Response("there are POST /pub, /sse and /ws\n", { status: 404 });
  },
  websocket: {
    open: (socket) => socket.subscribe("feed"),
    message() {},
  },
});
