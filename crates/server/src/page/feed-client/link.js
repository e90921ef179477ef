// What all transports share: attempts and retries, the cursor, the watchdog, and the callbacks.

import { parse, parseCursor } from './message.js';
import { CLOSED, CONNECTING, DEFAULTS, GAVE_UP, OPEN, PATHS, PAUSED } from './options.js';
import { watchPage } from './page-events.js';
import { longPolling, peek, shortPolling } from './polling.js';
import { ClientError, retryDelay, statusError } from './retry.js';
import { sse } from './sse.js';
import { websocket } from './websocket.js';

export const TRANSPORTS = { 'short-polling': shortPolling, 'long-polling': longPolling, sse, websocket };

// How long an update that a poll has seen may take to arrive on the stream, ms.
const GRACE_MS = 1000;

/** Ends an attempt because the ladder takes another rung; no failure. */
const MOVED = new ClientError('another rung');

export class Link {
  #life = null; // AbortController from open() to close()
  #running = null; // AbortController of the attempts; null while paused
  #attempt = null; // AbortController of the current connection attempt
  #openedAt = 0;
  #heardAt = 0;
  #limitMs = null; // how long the pending request of a poll may take; null for a stream
  #isChecking = false;
  #peeked = null; // the feed's position when the stream was checked, if nothing had arrived
  #base = null; // the URL and the headers of the current attempt
  #headers = null;
  #wake = () => {};

  constructor(options) {
    this.options = { ...DEFAULTS, ...options };
    /** The endpoints, the best first, and the index of the one in use. */
    this.rungs = options.endpoints ?? [options.endpoint];
    this.rung = 0;
    /** The last update's number, and the epoch of the feed that counts it. */
    this.seq = this.epoch = null;
    Object.assign(this, parseCursor(this.options.after));
    this.state = CLOSED;
    /** Consecutive failures, with no progress in between. */
    this.failures = 0;
    /** The least wait before a retry, ms: a stream's `retry:`. */
    this.reconnectMs = 0;
    /** websocket: publishes a message, while it is open. */
    this.publish = null;
    /** When the pending request was sent; null between requests. */
    this.pendingSince = null;
  }

  get endpoint() {
    return this.rungs[this.rung];
  }

  /** The position in the feed: an opaque string to store. null until something arrives. */
  get cursor() {
    return this.seq === null ? null : [this.epoch, this.seq].filter((part) => part !== null).join('.');
  }

  open() {
    const { signal, whileHidden, whileOpen } = this.options;
    if (this.#life || signal?.aborted) return;
    this.#life = new AbortController();
    const life = this.#life.signal;
    signal?.addEventListener('abort', () => this.close(), { signal: life });
    watchPage({
      onback: () => (this.#running ? this.check() : this.#start()),
      onaway: () => this.#pause('the page is not shown'),
      onhidden: () => whileHidden === 'pause' && this.#pause('the page is hidden'),
    }, life);
    this.rung = 0;
    this.#start();
    whileOpen?.(life);
  }

  close() {
    if (this.state === CLOSED) return;
    this.#end();
    this.setState(CLOSED);
  }

  /** Drops the connection as if it had been lost. */
  cut(reason = 'the connection was lost') {
    this.#attempt?.abort(new ClientError(reason));
  }

  /** Changes options while the client runs: `intervalMs`, `holdMs`, `silenceMs`. */
  set(options) {
    Object.assign(this.options, options);
    this.#wake();
  }

  /** Tries again now (unless the server asked to wait), or checks whether an open connection still works. */
  check() {
    this.failures = 0;
    this.#wake();
    if (this.#attempt && this.state === OPEN && this.endpoint !== 'short-polling') this.#verify(this.#attempt);
  }

  /** Publishes text or bytes: over the WebSocket while it is open, else with a POST. Returns the `seq`. */
  async send(data, { type } = {}) {
    const isText = typeof data === 'string';
    if (this.publish && (isText || !type)) return this.publish(data, type);
    await this.#prepare();
    const response = await this.fetch(this.address({}, 'send'), AbortSignal.timeout(this.options.answerMs), {
      method: 'POST',
      headers: { 'Content-Type': isText ? 'application/json' : 'application/octet-stream' },
      body: isText ? JSON.stringify({ type, data }) : data,
    });
    const text = await response.text();
    if (!response.ok) throw statusError(response, text);
    return parse(text).seq;
  }

  /** Goes to another rung of the ladder, and continues there from the cursor. */
  stand(rung, reason) {
    this.rung = rung;
    this.failures = 0;
    this.tell('onrung', this.endpoint, { reason });
    this.#wake();
    this.#attempt?.abort(MOVED);
  }

  #start() {
    this.#running = new AbortController();
    this.failures = 0;
    this.#run(this.#running.signal);
  }

  #pause(reason) {
    if (!this.#running) return;
    this.#running.abort(new ClientError(reason));
    this.#running = null;
    this.setState(PAUSED, { reason });
  }

  #end() {
    this.#life?.abort();
    this.#running?.abort(new ClientError('closed'));
    this.#life = this.#running = null;
  }

  /** Makes connection attempts until it is closed or a retry would be pointless. */
  async #run(closing) {
    for (let reason = ''; !closing.aborted;) {
      this.setState(CONNECTING, { reason });
      const error = await this.#try(closing);
      if (closing.aborted) return;
      if (error === MOVED) continue;
      reason = error.message;
      const { final, retryInMs } = this.#judge(error);
      if (closing.aborted) return;
      if (!final) {
        this.setState(CONNECTING, { reason, retryInMs });
        await this.sleep(retryInMs, closing, error.retryInMs === undefined).catch(() => {});
      } else if (this.rung < this.rungs.length - 1) {
        this.stand(this.rung + 1, reason);
      } else {
        this.#end();
        this.setState(GAVE_UP, { reason });
      }
    }
  }

  /** Decides whether and when to retry; the application has the last word. The last rung is retried forever. */
  #judge({ message: reason, final: isFinal, retryInMs: askedMs = this.reconnectMs, status, code }) {
    const failures = this.failures += 1;
    const isBottom = this.rung > 0 && this.rung === this.rungs.length - 1;
    const failure = {
      endpoint: this.endpoint, reason, status, code, failures,
      final: isFinal || (failures >= this.options.tries && !isBottom),
      retryInMs: retryDelay(failures - 1, askedMs),
    };
    const wish = this.tell('onfailure', failure);
    if (typeof wish === 'boolean') failure.final = !wish;
    if (typeof wish === 'number') Object.assign(failure, { final: false, retryInMs: wish });
    return failure;
  }

  /** Runs one connection attempt until it ends. A transport never returns: it throws the reason why it ended. */
  async #try(closing) {
    const attempt = this.#attempt = new AbortController();
    const signal = AbortSignal.any([closing, attempt.signal]);
    const watchdog = setInterval(() => this.#watch(attempt), 500);
    this.#heardAt = performance.now();
    this.#limitMs = null;
    try {
      await this.#prepare();
      signal.throwIfAborted();
      const { transports = TRANSPORTS } = this.options; // the page has one of its own
      return await transports[this.endpoint](this, signal);
    } catch (error) {
      const why = signal.aborted ? signal.reason : error;
      return why instanceof ClientError ? why : new ClientError(`the connection failed: ${why}`);
    } finally {
      clearInterval(watchdog);
      attempt.abort(); // releases what the attempt still holds
      if (this.#attempt === attempt) this.#attempt = null;
    }
  }

  /** Asks for what may change between two attempts: the address, the headers, the token. */
  async #prepare() {
    const ask = (option) => (typeof option === 'function' ? option(this.endpoint) : option);
    const { url, headers, token } = this.options;
    this.#base = await ask(url);
    const bearer = await ask(token);
    this.#headers = { ...await ask(headers), ...bearer && { Authorization: `Bearer ${bearer}` } };
  }

  /**
   * The watchdog. A connection whose other end vanished (a laptop that slept, a NAT that forgot it) stays open and silent:
   * TCP alone may take a quarter of an hour to notice.
   */
  #watch(attempt) {
    const now = performance.now();
    if (this.options.isStarved(this)) this.#heardAt = now; // a request is queued in the browser; the server is not silent
    const limit = this.#limitMs ?? this.options.silenceMs;
    if (limit <= 0 || now - this.#heardAt < limit) return;
    const error = new ClientError(`watchdog: nothing received for ${Math.round(limit / 1000)} s`);
    if (this.state === OPEN && this.#limitMs === null) this.#verify(attempt, error);
    else attempt.abort(error);
  }

  /**
   * Is a silent stream quiet or broken? Scripts cannot see a WebSocket's pings, so silence proves nothing. A poll does: if
   * it has updates that the stream did not bring, the stream is broken. If the poll fails, so is a `silent` one (the error).
   */
  async #verify(attempt, silent) {
    if (this.#isChecking || this.options.isStarved(this)) return;
    this.#isChecking = true;
    const works = await this.#isUpToDate(attempt.signal).catch(() => null);
    this.#isChecking = false;
    if (attempt.signal.aborted) return;
    if (works) {
      this.progress();
      this.tell('onkeepalive');
    } else if (silent || works === false) {
      attempt.abort(silent ?? new ClientError('the feed went on, but the connection brought nothing'));
    }
  }

  async #isUpToDate(signal) {
    const askedAt = performance.now();
    const hasCursor = (this.cursor ?? this.#peeked) !== null;
    const { cursor, isBeyond } = await peek(this, signal);
    if (!hasCursor) this.#peeked = cursor;
    if (hasCursor && isBeyond && this.#heardAt <= askedAt) await this.sleep(GRACE_MS, signal, false);
    return !hasCursor || !isBeyond || this.#heardAt > askedAt;
  }

  // Called by the transports to report.

  /** Calls back. An exception is the application's: it is reported, and delivery goes on. */
  tell(name, ...values) {
    try {
      return this.options[name]?.(...values);
    } catch (error) {
      if (name !== 'onerror' && this.options.onerror) this.tell('onerror', error, name);
      else (globalThis.reportError ?? console.error)(error);
    }
  }

  setState(word, { reason = '', retryInMs = null } = {}) {
    this.state = word;
    this.tell('onstate', word, { reason, retryInMs });
  }

  opened() {
    this.#heardAt = performance.now();
    if (this.state === OPEN) return;
    this.#openedAt = this.#heardAt;
    this.setState(OPEN);
  }

  /** Anything arrived. A connection that lives for longer than the watchdog waits is a success. */
  heard() {
    this.#heardAt = performance.now();
    if (this.state === OPEN && this.#heardAt - this.#openedAt > this.options.silenceMs) this.failures = 0;
    this.tell('onheard');
  }

  /** Something useful arrived: the count of consecutive failures starts over. */
  progress() {
    this.heard();
    this.failures = 0;
  }

  /** Takes one update. Every endpoint numbers updates 1, 2, 3 …, so a client detects duplicates and gaps by itself. */
  update(update) {
    this.heard();
    const running = this.#running;
    const { seq, epoch = this.epoch } = update;
    if (!Number.isInteger(seq)) return; // not an update of a feedlab feed
    this.#enterEpoch(epoch, seq - 1);
    if (this.seq !== null && seq <= this.seq) {
      this.tell('onduplicate', update);
      return;
    }
    this.failures = 0;
    if (this.seq !== null && seq > this.seq + 1) this.gap({ from: this.seq + 1, to: seq - 1 });
    if (running !== this.#running) return; // a callback closed the connection
    this.seq = seq;
    this.tell('onupdate', update);
  }

  /** Moves to the cursor that the server sent. */
  moveTo(cursor) {
    const { epoch, seq } = parseCursor(cursor);
    if (seq === null) return;
    this.#enterEpoch(epoch, seq);
    this.seq = seq;
  }

  /** The cursor's epoch has ended; the updates that follow are of a new one, from its start. */
  reset({ asked, resume }) {
    const { epoch, seq } = parseCursor(resume);
    if (seq === null || epoch === this.epoch) return;
    this.progress();
    Object.assign(this, { epoch, seq });
    this.tell('onreset', { asked, resume });
  }

  /** A change of epoch is a reset even if the server did not report one. */
  #enterEpoch(epoch, seq) {
    if (epoch === null) return;
    if (this.epoch !== null && epoch !== this.epoch) this.reset({ asked: this.cursor, resume: `${epoch}.${seq}` });
    this.epoch = epoch;
  }

  /**
   * Takes a gap. One that starts at or before the cursor (`again`) is of updates that this server never had: the cursor
   * steps back.
   */
  gap({ from, to }) {
    if (!Number.isInteger(from) || !Number.isInteger(to)) return;
    this.heard();
    const again = this.seq !== null && from <= this.seq;
    if (!again) this.failures = 0;
    this.seq = again ? from - 1 : to;
    this.tell('ongap', { from, to, again });
  }

  /** A request was sent. A poll says how long it may take. */
  requestStarts(limitMs = null) {
    const at = this.pendingSince = this.options.nowUs();
    this.#heardAt = performance.now();
    this.#limitMs = limitMs;
    this.tell('onrequeststart', { at });
    return at;
  }

  requestEnds(startedAt, useful, response) {
    if (this.pendingSince === startedAt) this.pendingSince = null;
    if (this.#limitMs !== null) this.#limitMs = 0; // until the next poll
    this.tell('onrequest', { startedAt, useful, response });
  }

  // Called by the transports to ask.

  /** The endpoint's URL with the cursor, to ask only for what has not arrived. */
  address(more = {}, endpoint = this.endpoint) {
    const url = new URL(this.#base, globalThis.location?.href);
    url.pathname = url.pathname.replace(/\/?$/, { ...PATHS, ...this.options.paths }[endpoint]);
    const after = endpoint === 'send' ? null : this.cursor ?? this.#peeked;
    if (after !== null) more = { after, ...more };
    for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
    return url;
  }

  /** Without the application's headers, another origin needs no preflight. */
  fetch(url, signal, { headers, ...more } = {}) {
    const { credentials } = this.options;
    return fetch(url, { cache: 'no-store', credentials, signal, headers: { ...headers, ...this.#headers }, ...more });
  }

  /** Sleeps, until `set()` or `check()` if they may end it; an abort rejects. */
  sleep(ms, signal, mayWake = true) {
    let timer, stop;
    return new Promise((resolve, reject) => {
      timer = setTimeout(resolve, ms);
      stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop);
      if (signal.aborted) stop();
      if (mayWake) this.#wake = resolve;
    }).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    });
  }
}
