// Server-Sent Events: one request whose response does not end, read with fetch() and a parser. The browser's own client,
// `EventSource`, reconnects by itself, but hides the status, comments, and events whose names it was not given; and it
// sends no headers.

import { parse, parseCursor } from './message.js';
import { ClientError, statusError } from './retry.js';

// The largest event, characters: a server that never ends one would fill the memory.
const MAX_EVENT = 16 * 1024 * 1024;

export async function sse(link, signal) {
  const startedAt = link.requestStarts();
  let response, isStream = false;
  try {
    response = await link.fetch(link.address(), signal, { headers: { Accept: 'text/event-stream' } });
    if (response.status !== 200) throw statusError(response);
    isStream = /^text\/event-stream/i.test(response.headers.get('Content-Type'));
    if (!isStream) throw new ClientError('the response is not an event stream');
  } finally {
    link.requestEnds(startedAt, isStream, response);
  }
  link.opened();
  const read = eventParser({
    onevent(event) {
      signal.throwIfAborted(); // a callback closed the connection: what else has arrived is not delivered
      handleEvent(link, event);
    },
    oncomment: () => link.tell('onkeepalive'),
    onretry: (ms) => (link.reconnectMs = ms),
  });
  for (const reader = response.body.getReader();;) {
    const { done, value } = await reader.read();
    if (done) throw new ClientError('the stream ended');
    link.heard();
    read(value);
  }
}

/** Delivers one event of a stream. Its id is the cursor. */
export function handleEvent(link, { type, id, data }) {
  if (data === null) link.moveTo(id); // no event, but a position: a stream begins with its cursor
  else if (type === 'gap') link.gap(parse(data));
  else if (type === 'reset') link.reset(parse(data));
  else {
    const raw = `id: ${id}\nevent: ${type}\ndata: ${data}\n`;
    link.update({ ...parseCursor(id), type, ...parse(data), raw, receivedAt: link.options.nowUs() });
  }
}

/**
 * Returns a function that parses an event stream, chunk by chunk, as the WHATWG HTML standard says (9.2.6), and also
 * reports comments, and ids without an event (`data` is null). An incomplete event at the end is dropped: it comes again.
 */
function eventParser({ onevent, oncomment, onretry }) {
  const decoder = new TextDecoder(); // UTF-8, without the byte order mark
  let rest = '', id = '', type = '', data = null, hasId = false, size = 0;
  const take = (line) => {
    const [, name, value] = /^([^:]*):?\x20?(.*)$/s.exec(line);
    if (line === '') {
      const event = { id, type: type || 'message', data };
      const isEvent = hasId || data !== null;
      [type, data, hasId, size] = ['', null, false, 0];
      if (isEvent) onevent(event);
    } else if (name === '') oncomment();
    else if (name === 'event') type = value;
    else if (name === 'data') data = data === null ? value : `${data}\n${value}`;
    else if (name === 'id' && !value.includes('\0')) [id, hasId] = [value, true];
    else if (name === 'retry' && /^\d+$/.test(value)) onretry(Number(value));
  };
  return (bytes) => {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split(/\r\n|\n|\r(?!$)/); // a CR at the end may be the first half of CR LF
    rest = lines.pop();
    for (const line of lines) {
      size += line.length;
      take(line);
    }
    if (size + rest.length > MAX_EVENT) throw new ClientError('an event is too large');
  };
}
