// A client for feedlab's feed: one interface over all four endpoints. One file, no dependencies: copy it.
//
//   const handle = connect({
//     endpoint: 'sse', url: 'http://127.0.0.1:8080',
//     onupdate: ({ seq, at, type, data }) => …,
//     ongap: ({ from, to }) => …,                 // lost updates are reported, never skipped silently
//     onreset: ({ asked }) => …,                  // the feed started over: how much was lost is unknown
//     onstate: (word, { reason, retryInMs }) => …,
//   });
//   handle.close();                               // handle.open() continues after the last update
//   handle.cursor                                 // a string to store, and to pass as `after`
//
// `Link` holds what all transports share; the four functions `shortPolling`, `longPolling`, `sse` and `websocket` hold
// only what differs. Further reading:
//   - "Server-sent events", a section of the WHATWG HTML standard: https://html.spec.whatwg.org/multipage/server-sent-events.html
//   - RFC 6202, known issues and best practices for long polling
//   - RFC 6455, The WebSocket Protocol; section 7.4 lists the close codes

/** The states of a connection. Between retries the state is CONNECTING, with `retryInMs`. */
export const CONNECTING = 'connecting';
export const WAITING = 'connecting — waiting for a free connection';
export const OPEN = 'open';
export const CLOSED = 'closed';
export const GAVE_UP = 'closed — gave up';

/** The endpoints in display order: each one's label, its path, and whether it is a stream. */
export const ENDPOINTS = {
  'short-polling': { label: 'short polling', path: '/feed/poll', isStream: false },
  'long-polling': { label: 'long polling', path: '/feed/long-poll', isStream: false },
  sse: { label: 'SSE', path: '/feed/sse', isStream: true },
  websocket: { label: 'WebSocket', path: '/feed/ws', isStream: true },
};

const DEFAULTS = {
  after: null,        // a stored cursor; null starts at the newest update, 0 at the oldest that the server keeps
  intervalMs: 1000,   // short polling: from the start of one request to the start of the next
  holdMs: 25000,      // long polling: how long the server may hold a request. RFC 6202, 5.5: below 30 s is safe with most proxies
  answerMs: 10000,    // polls: how long a response may take, on top of its hold
  silenceMs: 45000,   // watchdog: a stream silent for this long counts as dead. Use three keepalives; 0 turns it off
  tries: Infinity,    // consecutive failures after which it gives up
  retryMs: 3000,      // sse: the delay to report before the browser's own retry; the value of `retry:` is not exposed
  reopen: false,      // sse: open a new EventSource after the browser gives up on one
  types: ['message', 'tick', 'load', 'earthquake', 'explosion', 'quarry-blast'], // sse: event names to listen to; it cannot listen to all
  isStarved: () => false, // whether all connections that the browser allows to this origin are in use
};

/** Connects to an endpoint. Takes the options of `DEFAULTS`, `endpoint`, `url` and the callbacks. Returns a `Link`. */
export function connect(options) {
  const link = new Link(options);
  link.open();
  return link;
}

/** Why an attempt ended. `final`: a retry would end the same way. `retryInMs`: the delay that the server asks for. */
class ClientError extends Error {
  constructor(message, { final = false, retryInMs } = {}) {
    super(message);
    Object.assign(this, { final, retryInMs });
  }
}

class Link {
  #running = null;    // AbortController from open() to close()
  #attempt = null;    // AbortController of the current connection attempt
  #failures = 0;      // consecutive ones, with no progress in between
  #heardAt = 0;
  #wake = () => {};

  constructor(options) {
    this.options = { ...DEFAULTS, ...options };
    this.endpoint = options.endpoint;
    /** The last update's sequence number, and the epoch of the feed that counts it; null until something arrives. */
    this.seq = this.epoch = null;
    Object.assign(this, parseCursor(this.options.after));
    this.state = CLOSED;
    /** sse: the current EventSource. */
    this.source = null;
    /** When the pending request was sent, as nowUs(); null between requests. */
    this.pendingSince = null;
  }

  /** The position in the feed: an opaque string to store as it is. null until something arrives. */
  get cursor() {
    return this.seq === null ? null : [this.epoch, this.seq].filter((part) => part !== null).join('.');
  }

  open() {
    if (this.#running) return;
    this.#running = new AbortController();
    this.#failures = 0;
    this.#run(this.#running.signal);
  }

  close() {
    this.#running?.abort(new ClientError('closed'));
    this.#running = null;
    this.setState(CLOSED);
  }

  /** Drops the connection as if it had been lost: the client reconnects with its cursor. */
  cut(reason = 'the connection was lost') {
    this.#attempt?.abort(new ClientError(reason));
  }

  /** Changes options while the client runs: `intervalMs`, `holdMs`, `silenceMs`, `retryMs`. */
  set(options) {
    Object.assign(this.options, options);
    this.#wake();
  }

  /** sse: also listens to events of this name. */
  listen(type) {
    if (this.options.types.includes(type)) return;
    this.options.types = [...this.options.types, type];
    if (this.source) listenTo(this, this.source, type);
  }

  /** Makes connection attempts until it is closed or a retry would be pointless. */
  async #run(closing) {
    for (let reason = ''; !closing.aborted;) {
      this.setState(CONNECTING, { reason });
      const error = await this.#try(closing);
      if (closing.aborted) return;
      this.#failures += 1;
      if (error.final || this.#failures >= this.options.tries) {
        this.#running = null;
        this.setState(GAVE_UP, { reason: error.message });
        return;
      }
      const retryInMs = error.retryInMs ?? backoff(this.#failures - 1);
      reason = error.message;
      this.setState(CONNECTING, { reason, retryInMs });
      await this.sleep(retryInMs, closing).catch(() => {});
    }
  }

  /** Runs one connection attempt until it ends. A transport never returns: it throws the reason why it ended. */
  async #try(closing) {
    const attempt = new AbortController();
    const watchdog = setInterval(() => this.#watch(attempt), 500);
    this.#attempt = attempt;
    this.#heardAt = performance.now();
    try {
      return await TRANSPORTS[this.endpoint](this, AbortSignal.any([closing, attempt.signal]));
    } catch (error) {
      return error instanceof ClientError ? error : new ClientError(String(error));
    } finally {
      clearInterval(watchdog);
      attempt.abort(); // releases what the attempt still holds
      if (this.#attempt === attempt) this.#attempt = null;
    }
  }

  /**
   * The watchdog. A connection whose other end vanished (a laptop that slept, a NAT that dropped its entry) stays open
   * and silent: TCP alone may take a quarter of an hour to notice. Only what a script can see counts as a sign of life.
   * A script cannot see the comments of an event stream or the pings of a WebSocket (the browser answers pings by
   * itself), so a feed that may be silent for long should send an event of its own as a keepalive.
   */
  #watch(attempt) {
    const now = performance.now();
    const polls = !ENDPOINTS[this.endpoint].isStream;
    const waits = this.pendingSince !== null && (this.state !== OPEN || this.endpoint === 'short-polling');
    if (waits && nowUs() - this.pendingSince > 750_000 && this.options.isStarved()) {
      this.#heardAt = now; // the request is queued in the browser; the server is not silent
      return this.setState(WAITING, { reason: 'all six connections are in use' });
    }
    if (this.state === WAITING) this.setState(CONNECTING);
    if (polls && this.pendingSince === null) return; // no request is pending
    const { silenceMs, answerMs, holdMs } = this.options;
    const limit = this.endpoint === 'long-polling' ? holdMs + answerMs : polls ? answerMs : silenceMs;
    if (limit <= 0 || now - this.#heardAt < limit) return;
    const seconds = Math.round(limit / 1000);
    attempt.abort(new ClientError(polls ? `no response within ${seconds} s` : `watchdog: nothing received for ${seconds} s`));
  }

  // Called by the transports to report.

  setState(word, { reason = '', retryInMs = null } = {}) {
    this.state = word;
    this.options.onstate?.(word, { reason, retryInMs });
  }

  opened() {
    this.#heardAt = performance.now();
    if (this.state !== OPEN) this.setState(OPEN);
  }

  /** Something useful arrived: the count of consecutive failures starts over. */
  progress() {
    this.#heardAt = performance.now();
    this.#failures = 0;
  }

  /** Takes one update. Every endpoint numbers updates 1, 2, 3 …, so a client detects duplicates and gaps by itself. */
  update(update) {
    this.progress();
    const { seq, epoch = this.epoch } = update;
    if (!Number.isInteger(seq)) return undefined; // not an update of a feedlab feed
    this.#enterEpoch(epoch, seq - 1);
    if (this.seq !== null && seq <= this.seq) return this.options.onduplicate?.(update);
    if (this.seq !== null && seq > this.seq + 1) this.options.ongap?.({ from: this.seq + 1, to: seq - 1 });
    this.seq = seq;
    this.options.onupdate?.(update);
  }

  /** Moves to the cursor that the server sent. */
  moveTo(cursor) {
    const { epoch, seq } = parseCursor(cursor);
    if (seq === null) return;
    this.#enterEpoch(epoch, seq);
    this.seq = seq;
  }

  /** The cursor belongs to an epoch that has ended; the updates that follow are of a new one, from its start. */
  reset({ asked, resume }) {
    const { epoch, seq } = parseCursor(resume);
    if (seq === null || epoch === this.epoch) return;
    this.progress();
    Object.assign(this, { epoch, seq });
    this.options.onreset?.({ asked, resume });
  }

  /** A change of epoch counts as a reset even if the server did not report it as one. */
  #enterEpoch(epoch, seq) {
    if (epoch === null) return;
    if (this.epoch !== null && epoch !== this.epoch) this.reset({ asked: this.cursor, resume: `${epoch}.${seq}` });
    this.epoch = epoch;
  }

  /**
   * Takes a gap that the server reports. One that starts at or before the cursor (`again`) is of updates that this
   * server never had: the feed continues before it, so the cursor steps back.
   */
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

  // Called by the transports to ask.

  /** The endpoint's URL with the cursor, so that a reconnecting client asks only for what it has not seen. */
  address(more = {}) {
    const url = new URL(this.options.url);
    url.pathname = url.pathname.replace(/\/?$/, ENDPOINTS[this.endpoint].path);
    if (this.seq !== null) url.searchParams.set('after', this.cursor);
    for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
    return url;
  }

  /** Sleeps; `set()` ends the sleep early, and an abort of the signal rejects. */
  sleep(ms, signal) {
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

// Short polling: one request per interval.

async function shortPolling(link, signal) {
  for (;;) {
    const started = performance.now();
    const { answer } = await poll(link, link.address(), signal);
    link.opened();
    link.progress();
    if (answer) handleAnswer(link, answer);
    const rest = link.options.intervalMs - (performance.now() - started);
    await link.sleep(Math.max(rest, 0), signal);
  }
}

// Long polling: the server holds the request until it has an update.

async function longPolling(link, signal) {
  for (;;) {
    const started = performance.now();
    // Without a cursor, first ask for the feed's position: an update between two held requests would be lost.
    const hold = link.seq === null ? 0 : link.options.holdMs;
    const { answer } = await poll(link, link.address({ hold: `${hold}ms` }), signal);
    // An empty response before the hold ended: something answers in the server's place. Asking again at once would be a
    // flood.
    if (!answer && performance.now() - started < hold / 2) throw new ClientError('an empty response arrived before the hold ended');
    link.opened();
    link.progress();
    if (answer) handleAnswer(link, answer);
    else link.options.onkeepalive?.(); // an empty response: it shows that the connection works
  }
}

/** Sends one request of a short or long poll. It has no custom headers, so that another origin needs no preflight. */
async function poll(link, url, signal) {
  const startedAt = link.requestStarts();
  let response, text;
  try {
    response = await fetch(url, { cache: 'no-store', signal });
    text = await response.text();
  } catch {
    link.requestEnds(startedAt, { useful: false });
    if (signal.aborted) throw signal.reason;
    throw new ClientError('no response: the connection failed');
  }
  const { status } = response;
  const bytes = Number(response.headers.get('Content-Length')) || null;
  try {
    const answer = readAnswer(response, text);
    link.requestEnds(startedAt, { useful: Boolean(answer?.updates.length), status, bytes });
    return { answer };
  } catch (error) {
    link.requestEnds(startedAt, { useful: false, status, bytes });
    throw error;
  }
}

/** Splits a cursor into its parts: `k3f9.31`, or a bare `31`. */
function parseCursor(cursor) {
  const [, epoch = null, seq] = /^(?:([0-9a-z]+)\.)?(\d+)$/.exec(cursor) ?? [];
  return seq === undefined ? { epoch: null, seq: null } : { epoch, seq: Number(seq) };
}

/** Parses a message as a JSON object; returns an empty object if it is not JSON. */
function parse(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** Returns the body of a poll's response, with its text, or null if it is empty. */
function readAnswer(response, text) {
  const { status } = response;
  if (status === 204 || status === 304) return null;
  if (status !== 200) {
    // 5xx, 429 and 408 are temporary; with any other status the next request would fail too.
    const isTemporary = status >= 500 || status === 429 || status === 408;
    const why = text.split('\n', 1)[0].slice(0, 120);
    throw new ClientError(`status ${status}${why && `: ${why}`}`, { final: !isTemporary, retryInMs: retryAfter(response) });
  }
  const answer = parse(text);
  if (Array.isArray(answer.updates) && parseCursor(answer.next).seq !== null) return { ...answer, text };
  throw new ClientError(`the response is not a list of updates; its content type: ${response.headers.get('Content-Type') ?? 'none'}`);
}

/** The delay of a Retry-After header, ms. RFC 9110, section 10.2.3: a number of seconds, or a date. */
function retryAfter(response) {
  const value = response.headers.get('Retry-After');
  if (!value) return undefined;
  const ms = /^\d+$/.test(value) ? value * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 3600_000) : undefined;
}

function handleAnswer(link, { updates, next, gap, reset, text }) {
  const receivedAt = nowUs();
  const { epoch } = parseCursor(next);
  if (reset) link.reset(reset);
  if (gap) link.gap(gap);
  for (const update of updates) link.update({ ...update, epoch, raw: text, receivedAt });
  link.moveTo(next);
}

// Server-Sent Events: one request whose response does not end. The browser parses it and reconnects by itself, sending
// the id of the last event as `Last-Event-ID`.

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
      if (event instanceof MessageEvent) return; // an update of the feed that is named "open"
      link.requestEnds(startedAt, { useful: true, status: 200 });
      link.opened();
    };
    for (const type of link.options.types) listenTo(link, source, type);
    source.addEventListener('gap', (event) => link.gap(parse(event.data)));
    source.addEventListener('reset', (event) => link.reset(parse(event.data)));
    source.onerror = (event) => {
      if (event instanceof MessageEvent) return; // an update of the feed that is named "error"
      if (link.pendingSince !== null) link.requestEnds(startedAt, { useful: false });
      // "Reestablish the connection": after a network error or the end of a stream, the browser waits and reconnects.
      if (source.readyState === EventSource.CONNECTING) {
        const { retryMs } = link.options;
        const reason = 'the stream ended; the browser reconnects by itself';
        link.setState(CONNECTING, { reason, retryInMs: retryMs });
        link.sleep(retryMs, signal).then(() => {
          if (link.source !== source || link.state === OPEN) return;
          startedAt = link.requestStarts();
          link.setState(CONNECTING, { reason });
        }, () => {});
        return;
      }
      // "Fail the connection": any status other than 200 (a server sends 204 to say "do not reconnect"), or another
      // content type. The script does not learn which, and the browser never tries again.
      end(new ClientError('the response was not an event stream: the browser will not try again', { final: !link.options.reopen }));
    };
  });
}

/** Listens to one event name: an EventSource dispatches an event only to listeners of its name. */
function listenTo(link, source, type) {
  source.addEventListener(type, (event) => {
    if (!(event instanceof MessageEvent)) return;
    const receivedAt = nowUs();
    const { lastEventId, data } = event;
    const raw = `id: ${lastEventId}\nevent: ${type}\ndata: ${data}\n`;
    link.update({ ...parseCursor(lastEventId), type, ...parse(data), raw, receivedAt });
  });
}

// WebSocket: messages both ways over one connection. The browser does not reconnect, resume or catch up: all of that is
// in this file.

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
      if (data instanceof ArrayBuffer) return link.update(decodeBinary(data));
      const message = parse(data);
      if (message.hello) link.moveTo(message.hello.cursor);
      else if (message.reset) link.reset(message.reset);
      else if (message.gap) link.gap(message.gap);
      else if (message.seq) link.update({ ...message, raw: data, receivedAt: nowUs() });
    };
    socket.onclose = ({ code, reason }) => {
      if (!isOpen) link.requestEnds(startedAt, { useful: false });
      reject(closeError(code, reason, isOpen));
    };
  });
}

/** The error for a close code, final if a retry is useless. RFC 6455, section 7.4.1; 1012, 1013: IANA's registry. */
function closeError(code, reason, wasOpen) {
  const meanings = {
    1000: 'closed by the server', 1001: 'the server is shutting down', 1002: 'protocol error', 1003: 'unsupported data',
    1006: wasOpen ? 'lost without a closing frame' : 'could not be opened; the browser does not say why',
    1007: 'invalid UTF-8',
    1008: 'policy violation', 1009: 'message too large', 1011: 'server error',
    1012: 'the server is restarting', 1013: 'the server is busy, try again later',
  };
  const ours = [1002, 1003, 1007, 1008, 1009, 1010]; // the client's mistake: the next attempt would end the same way
  const text = `close code ${code}: ${reason || meanings[code] || 'no reason given'}`;
  return new ClientError(text, { final: ours.includes(code) });
}

/** Decodes feedlab's binary frame: seq, `at` (8 bytes each, big-endian), length of the type (1 byte), type, payload. */
function decodeBinary(buffer) {
  const view = new DataView(buffer);
  const length = view.getUint8(16);
  const type = new TextDecoder().decode(new Uint8Array(buffer, 17, length));
  const data = new Uint8Array(buffer, 17 + length);
  const hex = Array.from(data.subarray(0, 32), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const raw = `binary frame of ${buffer.byteLength} bytes, payload ${hex}${data.length > 32 ? ' …' : ''}`;
  return { seq: Number(view.getBigUint64(0)), at: Number(view.getBigUint64(8)), type, data, raw, receivedAt: nowUs() };
}

// Reconnecting.

// Longer than the delays of feedlab's simulated clients, whose runs last seconds.
const BASE_MS = 500;
const CAP_MS = 30000;

/**
 * Exponential backoff with full jitter: wait = random(0, min(cap, base · 2^failures)).
 * Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. Without the randomness, all
 * clients that a restart cut off would reconnect in the same instant, and retry in the same instant after that.
 */
export function backoff(failures, random = Math.random) {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures, 20));
}

/**
 * The fallback ladder: uses the first transport that works; each rung continues from the cursor of the one before it.
 *
 *   ladder(['websocket', 'sse', 'long-polling', 'short-polling'], { url, onupdate, onrung: (endpoint) => … })
 *
 * A rung has failed when `tries` consecutive attempts brought nothing: they did not open, or stayed silent until the
 * watchdog fired (a proxy that buffers an event stream looks like that). The last rung is retried forever.
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
 * The current Unix time, µs: finer than Date.now(), and corrected to it when the two differ, as they do after the
 * machine slept (performance.now() may stop meanwhile) or its clock was set.
 */
export function nowUs() {
  const fine = performance.timeOrigin + performance.now() + drift;
  const off = Date.now() - fine;
  if (Math.abs(off) > 5) drift += off;
  return (Math.abs(off) > 5 ? fine + off : fine) * 1000;
}
