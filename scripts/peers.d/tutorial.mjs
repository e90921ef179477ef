// The server that notes and tutorials teach, once all four transports are in it: Express and ws, an array of clients for
// each, a heartbeat with setInterval, and req.on("close") to forget a client.
//
// Do not fix its faults. Nothing has a number, so no client can say what it already has: an event stream continues with
// whatever is published next, a long poll gets only what is published while its request waits, and a poll gets the last
// ten messages again and again. What comes in between is lost, and nobody notices.
//
// scripts/peers starts it: node tutorial.mjs PORT
import express from "express";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const KEPT = 10;
const HEARTBEAT_MS = 15_000;
const HOLD_MS = 25_000;

const app = express();
const server = createServer(app);
const wss = new WebSocketServer({ server, path: "/ws" });
let streams = []; // the responses of the event streams
let waiting = []; // the responses of the long polls
let messages = []; // the last messages, for polls

app.post("/pub", express.text({ type: "*/*" }), (req, res) => {
  const message = req.body;
  streams.forEach((stream) => stream.write(`data: ${message}\n\n`));
  wss.clients.forEach((client) => client.send(message));
  waiting.forEach((response) => response.json([message]));
  waiting = [];
  messages = [...messages, message].slice(-KEPT);
  res.sendStatus(201);
});

app.get("/sse", (req, res) => {
  res.set({ "Content-Type": "text/event-stream", "Cache-Control": "no-cache", Connection: "keep-alive" });
  res.flushHeaders();
  streams.push(res);
  const heartbeat = setInterval(() => res.write(": heartbeat\n\n"), HEARTBEAT_MS);
  req.on("close", () => {
    clearInterval(heartbeat);
    streams = streams.filter((stream) => stream !== res);
  });
});

app.get("/poll", (req, res) => res.json(messages));

app.get("/long-poll", (req, res) => {
  waiting.push(res);
  const timeout = setTimeout(() => res.json([]), HOLD_MS);
  res.on("close", () => {
    clearTimeout(timeout);
    waiting = waiting.filter((response) => response !== res);
  });
});

// The heartbeat of ws's README: a client that has not answered the last ping is gone.
wss.on("connection", (client) => {
  client.isAlive = true;
  client.on("pong", () => (client.isAlive = true));
  client.on("error", console.error);
});
setInterval(() => {
  wss.clients.forEach((client) => {
    if (!client.isAlive) return client.terminate();
    client.isAlive = false;
    client.ping();
  });
}, HEARTBEAT_MS);

server.listen(Number(process.argv[2]), "127.0.0.1");
