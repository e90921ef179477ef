// A client of feedlab's feed over any of its four endpoints, behind one interface. One file, no dependency: copy it.
//
//   const handle = connect({
//     endpoint: 'sse', url: 'http://127.0.0.1:8080',
//     onupdate: ({ seq, at, type, data }) => …,
//     ongap: ({ from, to }) => …,                 // what was lost is told, never silent
//     onreset: ({ asked }) => …,                  // the feed began again: nobody knows how much was lost
//     onstate: (word, { reason, retryInMs }) => …,
//   });
//   handle.close();                               // and handle.open() goes on after the last update
//   handle.cursor                                 // text to keep, and to give as `after`
//
// What every way needs is in `Link`, and only what differs is in the four functions `shortPolling`, `longPolling`, `sse`
// and `websocket`. What to read beside them:
//   - "Server-sent events", a section of the WHATWG HTML standard: https://html.spec.whatwg.org/multipage/server-sent-events.html
//   - RFC 6202, known issues and best practices of long polling
//   - RFC 6455, The WebSocket Protocol; section 7.4 has the close codes

/** The words for a state. While a retry is waited for it is CONNECTING with `retryInMs`. */
export const CONNECTING = 'connecting';
export const WAITING = 'connecting — waiting for a free connection';
export const OPEN = 'open';
export const CLOSED = 'closed';
export const GAVE_UP = 'closed — gave up';

/** The endpoints, in the order in which they are shown: what each is called, its path, and whether it is a stream. */
export const ENDPOINTS = {
  'short-polling': { label: 'short polling', path: '/feed/poll', isStream: false },
  'long-polling': { label: 'long polling', path: '/feed/long-poll', isStream: false },
  sse: { label: 'SSE', path: '/feed/sse', isStream: true },
  websocket: { label: 'WebSocket', path: '/feed/ws', isStream: true },
};

const DEFAULTS = {
  after: null,        // a cursor that was kept; null is "from now on", 0 is "all you hold"
  intervalMs: 1000,   // short polling: from the start of one request to the start of the next
  holdMs: 25000,      // long polling: how long the server may hold a request. RFC 6202, 5.5: below 30 s is safe with most proxies
  answerMs: 10000,    // polls: how long an answer may take beyond its hold
  silenceMs: 45000,   // watchdog: a stream silent for so long is dead. Take three keepalives; 0 turns it off
  tries: Infinity,    // failures in a row until it gives up
  retryMs: 3000,      // sse: what to announce before the browser's own retry. It obeys `retry:` but does not tell us its value
  reopen: false,      // sse: open a new EventSource when the browser has given up on one
  types: ['message', 'tick', 'load', 'earthquake', 'explosion', 'quarry-blast'], // sse: event names to listen to; there is no listening to all
  isStarved: () => false, // whether the browser has no connection to spare for this origin
};

/** Opens an endpoint. Options as in `DEFAULTS`, with `endpoint`, `url` and the callbacks. Returns the handle, a `Link`. */
export function connect(options) {
  const link = new Link(options);
  link.open();
  return link;
}

/** Why an attempt ended. `final`: another attempt would end the same way. `retryInMs`: when the server says to come back. */
class ClientError extends Error {
  constructor(message, { final = false, retryInMs } = {}) {
    super(message);
    Object.assign(this, { final, retryInMs });
  }
}

class Link {
  #life = null;       // AbortController from open() to close()
  #attempt = null;    // AbortController of the present attempt
  #failures = 0;      // in a row, without anything useful in between
  #heardAt = 0;
  #wake = () => {};

  constructor(options) {
    this.options = { ...DEFAULTS, ...options };
    this.endpoint = options.endpoint;
    /** The last update's number, and which life of the feed counts it; null until something was received. */
    this.seq = this.epoch = null;
    Object.assign(this, taken(this.options.after));
    this.state = CLOSED;
    /** sse: the present EventSource. */
    this.source = null;
    /** When the request under way was sent, as nowUs(); null between requests. */
    this.pendingSince = null;
  }

  /** Where it is: text, to be kept as it stands. null until something was received. */
  get cursor() {
    return this.seq === null ? null : [this.epoch, this.seq].filter((part) => part !== null).join('.');
  }

  open() {
    if (this.#life) return;
    this.#life = new AbortController();
    this.#failures = 0;
    this.#run(this.#life.signal);
  }

  close() {
    this.#life?.abort(new ClientError('closed'));
    this.#life = null;
    this.say(CLOSED);
  }

  /** Lets the connection go as if it had been lost: the client comes back with its cursor. */
  cut(reason = 'the connection was lost') {
    this.#attempt?.abort(new ClientError(reason));
  }

  /** Changes options while it runs: `intervalMs`, `holdMs`, `silenceMs`, `retryMs`. */
  set(options) {
    Object.assign(this.options, options);
    this.#wake();
  }

  /** sse: hears events of this name too. */
  listen(type) {
    if (this.options.types.includes(type)) return;
    this.options.types = [...this.options.types, type];
    if (this.source) hear(this, this.source, type);
  }

  /** Tries until it is closed, or until there is no point. */
  async #run(life) {
    for (let reason = ''; !life.aborted;) {
      this.say(CONNECTING, { reason });
      const error = await this.#try(life);
      if (life.aborted) return;
      this.#failures += 1;
      if (error.final || this.#failures >= this.options.tries) {
        this.#life = null;
        this.say(GAVE_UP, { reason: error.message });
        return;
      }
      const retryInMs = error.retryInMs ?? backoff(this.#failures - 1);
      reason = error.message;
      this.say(CONNECTING, { reason, retryInMs });
      await this.nap(retryInMs, life).catch(() => {});
    }
  }

  /** One attempt, until it ends. A transport never returns: it throws what ended it. */
  async #try(life) {
    const attempt = new AbortController();
    const look = setInterval(() => this.#look(attempt), 500);
    this.#attempt = attempt;
    this.#heardAt = performance.now();
    try {
      return await TRANSPORTS[this.endpoint](this, AbortSignal.any([life, attempt.signal]));
    } catch (error) {
      return error instanceof ClientError ? error : new ClientError(String(error));
    } finally {
      clearInterval(look);
      attempt.abort(); // whatever the attempt still holds
      if (this.#attempt === attempt) this.#attempt = null;
    }
  }

  /**
   * The watchdog. A connection whose other end vanished (a laptop that slept, a NAT that forgot) stays open and silent:
   * TCP alone may take a quarter of an hour to notice. What counts as a sign of life is what a script is shown: the
   * comments of an event stream and the pings of a WebSocket are not (the browser answers pings by itself). A feed that
   * may be silent for long should send an event of its own as a keepalive.
   */
  #look(attempt) {
    const now = performance.now();
    const polls = !ENDPOINTS[this.endpoint].isStream;
    const waits = this.pendingSince !== null && (this.state !== OPEN || this.endpoint === 'short-polling');
    if (waits && nowUs() - this.pendingSince > 750_000 && this.options.isStarved()) {
      this.#heardAt = now; // in a queue of the browser, which is nobody's silence
      return this.say(WAITING, { reason: 'all six are in use' });
    }
    if (this.state === WAITING) this.say(CONNECTING);
    if (polls && this.pendingSince === null) return; // nothing was asked
    const { silenceMs, answerMs, holdMs } = this.options;
    const limit = this.endpoint === 'long-polling' ? holdMs + answerMs : polls ? answerMs : silenceMs;
    if (limit <= 0 || now - this.#heardAt < limit) return;
    const seconds = Math.round(limit / 1000);
    attempt.abort(new ClientError(polls ? `no answer within ${seconds} s` : `watchdog: nothing heard for ${seconds} s`));
  }

  // What the transports tell.

  say(word, { reason = '', retryInMs = null } = {}) {
    this.state = word;
    this.options.onstate?.(word, { reason, retryInMs });
  }

  opened() {
    this.#heardAt = performance.now();
    if (this.state !== OPEN) this.say(OPEN);
  }

  /** Something that shows the connection to be of use: failures are counted again. */
  progress() {
    this.#heardAt = performance.now();
    this.#failures = 0;
  }

  /** One update. Every endpoint numbers updates 1, 2, 3 …, so a client sees for itself what came twice or not at all. */
  update(update) {
    this.progress();
    const { seq, epoch = this.epoch } = update;
    if (!Number.isInteger(seq)) return undefined; // no update of feedlab's
    this.#enter(epoch, seq - 1);
    if (this.seq !== null && seq <= this.seq) return this.options.onduplicate?.(update);
    if (this.seq !== null && seq > this.seq + 1) this.options.ongap?.({ from: this.seq + 1, to: seq - 1 });
    this.seq = seq;
    this.options.onupdate?.(update);
  }

  /** The server says where the client is. */
  place(cursor) {
    const { epoch, seq } = taken(cursor);
    if (seq === null) return;
    this.#enter(epoch, seq);
    this.seq = seq;
  }

  /** The cursor is of a feed that is over; what comes now is another one, from its start. */
  reset({ asked, resume }) {
    const { epoch, seq } = taken(resume);
    if (seq === null || epoch === this.epoch) return;
    this.progress();
    Object.assign(this, { epoch, seq });
    this.options.onreset?.({ asked, resume });
  }

  /** Another epoch that nobody told of is a reset all the same. */
  #enter(epoch, seq) {
    if (epoch === null) return;
    if (this.epoch !== null && epoch !== this.epoch) this.reset({ asked: this.cursor, resume: `${epoch}.${seq}` });
    this.epoch = epoch;
  }

  /** A gap that the server tells of. Where it never had those, the gap ends at the cursor, and the feed goes on before it. */
  gap({ from, to }) {
    if (!Number.isInteger(from) || !Number.isInteger(to)) return;
    this.progress();
    const again = this.seq !== null && from <= this.seq;
    this.seq = again ? from - 1 : to;
    this.options.ongap?.({ from, to, again });
  }

  requestStarts() {
    const at = this.pendingSince = nowUs();
    this.#heardAt = performance.now();
    this.options.onrequeststart?.({ at });
    return at;
  }

  requestEnds(startedAt, { useful, status = null, bytes = null }) {
    if (this.pendingSince === startedAt) this.pendingSince = null;
    this.options.onrequest?.({ useful, held: (nowUs() - startedAt) / 1000, startedAt, status, bytes });
  }

  // What the transports ask.

  /** The endpoint's address, with the cursor: whoever comes back asks for what it has not seen. */
  address(more = {}) {
    const url = new URL(this.options.url);
    url.pathname = url.pathname.replace(/\/?$/, ENDPOINTS[this.endpoint].path);
    if (this.seq !== null) url.searchParams.set('after', this.cursor);
    for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
    return url;
  }

  /** Sleeps; `set()` ends it early, and the signal throws. */
  nap(ms, signal) {
    return new Promise((resolve, reject) => {
      const end = (then, value) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        then(value);
      };
      const stop = () => end(reject, signal.reason);
      const timer = setTimeout(() => end(resolve), ms);
      signal.addEventListener('abort', stop);
      this.#wake = () => end(resolve);
      if (signal.aborted) stop();
    });
  }
}

const TRANSPORTS = { 'short-polling': shortPolling, 'long-polling': longPolling, sse, websocket };

// Short polling: ask, and ask again.

async function shortPolling(link, signal) {
  for (;;) {
    const started = performance.now();
    const { answer } = await ask(link, link.address(), signal);
    link.opened();
    link.progress();
    if (answer) take(link, answer);
    const rest = link.options.intervalMs - (performance.now() - started);
    await link.nap(Math.max(rest, 0), signal);
  }
}

// Long polling: ask, and be answered when there is something to say.

async function longPolling(link, signal) {
  for (;;) {
    const started = performance.now();
    // Without a cursor, ask where the feed is. Two held requests "from now on" would lose what comes in between.
    const hold = link.seq === null ? 0 : link.options.holdMs;
    const { answer } = await ask(link, link.address({ hold: `${hold}ms` }), signal);
    // An empty answer before its time: somebody answers for the server. Asking again at once would be a flood.
    if (!answer && performance.now() - started < hold / 2) throw new ClientError('an empty answer came before its hold ended');
    link.opened();
    link.progress();
    if (answer) take(link, answer);
    else link.options.onkeepalive?.(); // an answer without news: it shows that the way is good
  }
}

/** One request of either poll. Without custom headers, so that another origin needs no preflight. */
async function ask(link, url, signal) {
  const startedAt = link.requestStarts();
  let response, text;
  try {
    response = await fetch(url, { cache: 'no-store', signal });
    text = await response.text();
  } catch {
    link.requestEnds(startedAt, { useful: false });
    if (signal.aborted) throw signal.reason;
    throw new ClientError('no answer: the connection failed');
  }
  const { status } = response;
  const bytes = Number(response.headers.get('Content-Length')) || null;
  try {
    const answer = read(response, text);
    link.requestEnds(startedAt, { useful: Boolean(answer?.updates.length), status, bytes });
    return { answer };
  } catch (error) {
    link.requestEnds(startedAt, { useful: false, status, bytes });
    throw error;
  }
}

/** The parts of a cursor: `k3f9.31`, or a bare `31`. */
function taken(cursor) {
  const [, epoch = null, seq] = /^(?:([0-9a-z]+)\.)?(\d+)$/.exec(cursor) ?? [];
  return seq === undefined ? { epoch: null, seq: null } : { epoch, seq: Number(seq) };
}

/** The JSON object of a message; an empty one when it is none. */
function parse(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** The body of a poll with its text, or null when there is none. */
function read(response, text) {
  const { status } = response;
  if (status === 204 || status === 304) return null;
  if (status !== 200) {
    // 5xx, 429 and 408 pass; what else is wrong with a request will be wrong with the next one too.
    const passes = status >= 500 || status === 429 || status === 408;
    const why = text.split('\n', 1)[0].slice(0, 120);
    throw new ClientError(`answered ${status}${why && `: ${why}`}`, { final: !passes, retryInMs: retryAfter(response) });
  }
  const answer = parse(text);
  if (Array.isArray(answer.updates) && taken(answer.next).seq !== null) return { ...answer, text };
  throw new ClientError(`the answer is no list of updates, but ${response.headers.get('Content-Type') ?? 'of no type'}`);
}

/** RFC 9110, section 10.2.3: a number of seconds, or a date. */
function retryAfter(response) {
  const value = response.headers.get('Retry-After');
  if (!value) return undefined;
  const ms = /^\d+$/.test(value) ? value * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 3600_000) : undefined;
}

function take(link, { updates, next, gap, reset, text }) {
  const receivedAt = nowUs();
  const { epoch } = taken(next);
  if (reset) link.reset(reset);
  if (gap) link.gap(gap);
  for (const update of updates) link.update({ ...update, epoch, raw: text, receivedAt });
  link.place(next);
}

// Server-Sent Events: one request, whose answer does not end. The browser parses it, comes back by itself, and then
// sends the id of the last event as `Last-Event-ID`.

function sse(link, signal) {
  return new Promise((_, reject) => {
    const source = link.source = new EventSource(link.address());
    let startedAt = link.requestStarts();
    const end = (error) => {
      source.close();
      link.source = null;
      reject(error);
    };
    signal.addEventListener('abort', () => end(signal.reason), { once: true });
    source.onopen = (event) => {
      if (event instanceof MessageEvent) return; // an event of the feed that is named "open"
      link.requestEnds(startedAt, { useful: true, status: 200 });
      link.opened();
    };
    for (const type of link.options.types) hear(link, source, type);
    source.addEventListener('gap', (event) => link.gap(parse(event.data)));
    source.addEventListener('reset', (event) => link.reset(parse(event.data)));
    source.onerror = (event) => {
      if (event instanceof MessageEvent) return; // an event of the feed that is named "error"
      if (link.pendingSince !== null) link.requestEnds(startedAt, { useful: false });
      // "Reestablish the connection": after a network error or the end of a stream the browser waits and comes back.
      if (source.readyState === EventSource.CONNECTING) {
        const { retryMs } = link.options;
        const reason = 'the stream ended; the browser comes back by itself';
        link.say(CONNECTING, { reason, retryInMs: retryMs });
        link.nap(retryMs, signal).then(() => {
          if (link.source !== source || link.state === OPEN) return;
          startedAt = link.requestStarts();
          link.say(CONNECTING, { reason });
        }, () => {});
        return;
      }
      // "Fail the connection": any status but 200 (204 is how a server says "do not come back"), or another type. The
      // script is not told which, and the browser never tries again.
      end(new ClientError('the answer was no event stream: the browser will not try again', { final: !link.options.reopen }));
    };
  });
}

/** EventSource hands an event only to those who listen to its name. */
function hear(link, source, type) {
  source.addEventListener(type, (event) => {
    if (!(event instanceof MessageEvent)) return;
    const receivedAt = nowUs();
    const { lastEventId, data } = event;
    const raw = `id: ${lastEventId}\nevent: ${type}\ndata: ${data}\n`;
    link.update({ ...taken(lastEventId), type, ...parse(data), raw, receivedAt });
  });
}

// WebSocket: messages both ways over one connection. The browser does no reconnecting, no resuming and no catching up:
// all of it is ours.

function websocket(link, signal) {
  return new Promise((_, reject) => {
    const url = link.address();
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    const startedAt = link.requestStarts();
    let isOpen = false;
    socket.binaryType = 'arraybuffer';
    signal.addEventListener('abort', () => {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
      reject(signal.reason);
    }, { once: true });
    socket.onopen = () => {
      isOpen = true;
      link.requestEnds(startedAt, { useful: true, status: 101 });
      link.opened();
    };
    socket.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) return link.update(binary(data));
      const message = parse(data);
      if (message.hello) link.place(message.hello.cursor);
      else if (message.reset) link.reset(message.reset);
      else if (message.gap) link.gap(message.gap);
      else if (message.seq) link.update({ ...message, raw: data, receivedAt: nowUs() });
    };
    socket.onclose = ({ code, reason }) => {
      if (!isOpen) link.requestEnds(startedAt, { useful: false });
      reject(closed(code, reason, isOpen));
    };
  });
}

/** What a close code means for coming back. RFC 6455, section 7.4.1; 1012 and 1013 from IANA's registry. */
function closed(code, reason, wasOpen) {
  const meanings = {
    1000: 'closed by the server', 1001: 'the server goes down', 1002: 'a broken frame', 1003: 'a kind of data that it does not take',
    1006: wasOpen ? 'lost without a closing frame' : 'it could not be opened; the script is not told why', 1007: 'text that is not UTF-8',
    1008: 'against its policy', 1009: 'a message that is too large', 1011: 'an error of the server',
    1012: 'the server restarts', 1013: 'the server is busy, try later',
  };
  const ours = [1002, 1003, 1007, 1008, 1009, 1010]; // our mistake: it would be answered in the same way again
  const text = `close code ${code}: ${reason || meanings[code] || 'no reason given'}`;
  return new ClientError(text, { final: ours.includes(code) });
}

/** feedlab's binary frame: seq and `at` (8 bytes each, big-endian), length of the type (1 byte), type, payload. */
function binary(buffer) {
  const view = new DataView(buffer);
  const length = view.getUint8(16);
  const type = new TextDecoder().decode(new Uint8Array(buffer, 17, length));
  const data = new Uint8Array(buffer, 17 + length);
  const hex = Array.from(data.subarray(0, 32), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const raw = `binary frame of ${buffer.byteLength} bytes, payload ${hex}${data.length > 32 ? ' …' : ''}`;
  return { seq: Number(view.getBigUint64(0)), at: Number(view.getBigUint64(8)), type, data, raw, receivedAt: nowUs() };
}

// Coming back.

// Longer than those of feedlab's simulated clients, whose run is a matter of seconds.
const BASE_MS = 500;
const CAP_MS = 30000;

/**
 * Exponential backoff with full jitter: wait = random(0, min(cap, base · 2^failures)).
 * Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. Without the randomness everybody whom a
 * restart cut off would come back in the same instant, and again in the same instant after that.
 */
export function backoff(failures, random = Math.random) {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures, 20));
}

/**
 * The fallback ladder: the first way that works, each beginning at the cursor of the one before it.
 *
 *   ladder(['websocket', 'sse', 'long-polling', 'short-polling'], { url, onupdate, onrung: (endpoint) => … })
 *
 * A rung has failed when `tries` attempts in a row brought nothing: not opened, or opened and silent until the watchdog
 * came (a proxy that buffers an event stream looks like that). The last rung is tried for ever.
 */
export function ladder(endpoints, options) {
  let link = null;
  let isOver = false;
  const step = (index, after) => {
    const isLast = index === endpoints.length - 1;
    options.onrung?.(endpoints[index]);
    const onstate = (word, detail) => {
      options.onstate?.(word, detail);
      if (word === GAVE_UP && !isLast && !isOver) step(index + 1, link.cursor);
    };
    link = connect({ silenceMs: 10000, ...options, endpoint: endpoints[index], after, tries: isLast ? Infinity : options.tries ?? 2, reopen: true, onstate });
  };
  step(0, options.after ?? null);
  return {
    get endpoint() { return link.endpoint; },
    get state() { return link.state; },
    get seq() { return link.seq; },
    get cursor() { return link.cursor; },
    close() { isOver = true; link.close(); },
  };
}

// The clock.

let drift = 0;

/**
 * Now, µs of Unix time: finer than Date.now(), and brought back to it when they differ, as they do after the machine
 * slept (performance.now() may stand still meanwhile) or its clock was set.
 */
export function nowUs() {
  const fine = performance.timeOrigin + performance.now() + drift;
  const off = Date.now() - fine;
  if (Math.abs(off) > 5) drift += off;
  return (Math.abs(off) > 5 ? fine + off : fine) * 1000;
}
