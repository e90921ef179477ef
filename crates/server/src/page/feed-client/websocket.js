// WebSocket: messages both ways over one connection. The browser does not reconnect, resume or catch up: this library does.

import { parse } from './message.js';
import { ClientError, isTemporary } from './retry.js';

// Messages that may wait for their acknowledgment: a server that sends none would fill the memory.
const MAX_UNACKED = 100;

export function websocket(link, signal) {
  return new Promise((_, reject) => {
    const url = link.address();
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url, link.options.protocols);
    const startedAt = link.requestStarts();
    const unacked = [];
    const end = (error) => {
      socket.onopen = socket.onmessage = socket.onclose = null;
      if (!link.publish) link.requestEnds(startedAt, false);
      link.publish = null;
      for (const { fail } of unacked) fail(new ClientError(`${error.message}: it is unknown whether the message was published`));
      reject(error);
    };
    socket.binaryType = 'arraybuffer';
    signal.addEventListener('abort', () => {
      socket.close();
      if (socket.onclose) end(signal.reason);
    });
    socket.onopen = () => {
      link.publish = (data, type) => publish(socket, unacked, data, type);
      link.requestEnds(startedAt, true, { status: 101 });
      link.opened();
    };
    socket.onmessage = ({ data: raw }) => {
      link.heard();
      const message = raw instanceof ArrayBuffer ? decodeBinary(raw) : parse(raw);
      if (message.hello) link.moveTo(message.hello.cursor);
      else if (message.reset) link.reset(message.reset);
      else if (message.gap) link.gap(message.gap);
      else if (message.ack) unacked.shift()?.done(message.ack.seq);
      else if (message.seq) link.update({ ...message, raw, receivedAt: link.options.nowUs() });
    };
    socket.onclose = ({ code, reason }) => end(closeError(code, reason, link.publish));
  });
}

/** Publishes a message; the server acknowledges messages in their order. */
function publish(socket, unacked, data, type) {
  if (unacked.length >= MAX_UNACKED) throw new ClientError(`${MAX_UNACKED} messages wait for their acknowledgment`);
  return new Promise((done, fail) => {
    socket.send(typeof data === 'string' ? JSON.stringify({ type, data }) : data);
    unacked.push({ done, fail });
  });
}

/**
 * The error for a close code, final if a retry is useless. RFC 6455, section 7.4.1; 1012, 1013, 3000 and 3003: IANA's
 * registry. From 4000 on they are the application's: by custom, 4401 means what the status 401 means.
 */
function closeError(code, reason, wasOpen) {
  const why = code !== 1006 ? 'no reason given' : wasOpen ? 'lost without a closing frame' : 'could not be opened; the browser does not say why';
  const ours = [1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003]; // the next attempt would end the same way
  const final = ours.includes(code) || (code >= 4400 && code < 4500 && !isTemporary(code - 4000));
  return new ClientError(`close code ${code}: ${reason || why}`, { final, code });
}

/** Decodes feedlab's binary frame: seq, `at` (8 bytes each, big-endian), length of the type (1 byte), type, payload. */
function decodeBinary(buffer) {
  const view = new DataView(buffer);
  const end = buffer.byteLength > 16 ? 17 + view.getUint8(16) : Infinity;
  if (buffer.byteLength < end) return {}; // not an update
  const type = new TextDecoder().decode(buffer.slice(17, end));
  return { seq: Number(view.getBigUint64(0)), at: Number(view.getBigUint64(8)), type, data: new Uint8Array(buffer, end) };
}
