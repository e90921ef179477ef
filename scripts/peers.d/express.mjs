// The server that most people write first, after a tutorial on server-sent events: an array of clients, and a loop that
// writes to each. Do not fix its faults: events have no ids, so nothing resumes; there are no keepalives; and a HEAD
// request counts as another client, whose response never ends.
//
// scripts/peers starts it: node express.mjs PORT
import express from "express";
import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

const app = express();
const server = createServer(app);
const wss = new WebSocketServer({ server, path: "/ws" });
let clients = [];

app.use(express.json());

app.get("/events", (request, response) => {
  response.writeHead(200, {
    "Content-Type": "text/event-stream",
    "Connection": "keep-alive",
    "Cache-Control": "no-cache",
  });
  response.flushHeaders();
  clients.push(response);
  request.on("close", () => {
    clients = clients.filter((client) => client !== response);
  });
});

app.post("/messages", (request, response) => {
  const message = JSON.stringify(request.body);
  clients.forEach((client) => client.write(`data: ${message}\n\n`));
  wss.clients.forEach((client) => {
    if (client.readyState === WebSocket.OPEN) client.send(message);
  });
  response.status(201).json(request.body);
});

// As in the examples of ws. Without this handler, one malformed frame from any client ends the process.
wss.on("connection", (client) => client.on("error", console.error));

server.listen(Number(process.argv[2]), "127.0.0.1");
