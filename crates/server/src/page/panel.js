// The panel of one endpoint: a connection of the client library, its counts, and their display.

import { nowUs } from './clock.js';
import { ENDPOINTS } from './endpoints.js';
import { eventSource, listenTo } from './event-source.js';
import { CLOSED, CONNECTING, OPEN, GAVE_UP, connect } from './feed-client.js';
import { TRANSPORTS } from './feed-client/link.js';
import { Ring } from './ring.js';
import { Ages, age, bytes, count, old } from './stats.js';
import { drawSparkline } from './sparkline.js';

/** Each panel's name, the browser API behind it, and its mark: a shape in addition to the color. */
export const LOOKS = {
  'short-polling': { name: 'Short polling', api: 'fetch, repeatedly', shape: 'M6 1a5 5 0 1 0 .01 0z' },
  'long-polling': { name: 'Long polling', api: 'fetch, held by the server', shape: 'M1.5 1.5h9v9h-9z' },
  sse: { name: 'Server-Sent Events', api: 'EventSource', shape: 'M6 .8 11.5 11H.5z' },
  websocket: { name: 'WebSocket', api: 'WebSocket', shape: 'M6 .3 11.7 6 6 11.7.3 6z' },
};

const WAITING = 'connecting — waiting for a free connection';
const RAW_SHOWN = 600;   // characters shown of the last message
const SEQS_KEPT = 1000;  // for `window.feedlab.snapshot()`
const STALE_MS = 5000;   // age from which the newest update is marked as old
const IMPLAUSIBLE_MS = 60_000; // ages above this, or below zero, suggest that the clocks differ

export class Panel {
  #fields = {};
  #shown = {};
  #last = null;        // the last update
  #startedAt = 0;      // when the counts were 0, µs
  #retryAt = null;     // ms of performance.now()
  #isDrawn = false;
  #describedAt = 0;

  constructor(app, endpoint, base) {
    this.app = app;
    this.endpoint = endpoint;
    /** The base URL of the endpoint. */
    this.base = base;
    this.handle = null;
    this.word = CLOSED;
    this.reason = '';
    this.ages = new Ages();
    this.seqs = new Ring(SEQS_KEPT);
    /** What the server counted for this endpoint, bytes; null if unknown. */
    this.counted = { down: null, up: null };
    this.#clear();
    this.#build();
  }

  get state() {
    if (this.#retryAt === null) return this.word;
    const seconds = Math.max(this.#retryAt - performance.now(), 0) / 1000;
    return `${CONNECTING} — retry in ${seconds.toFixed(1)} s`;
  }

  get seq() {
    return this.handle?.seq ?? null;
  }

  /** Whether it has a connection, or tries to get one. */
  get isConnected() {
    return this.word !== CLOSED && this.word !== GAVE_UP;
  }

  connect() {
    if (this.isConnected) return;
    const { client, types } = this.app;
    this.handle = connect({
      endpoint: this.endpoint,
      url: this.base,
      after: this.handle?.cursor ?? null,
      intervalMs: client.interval_ms,
      holdMs: client.hold_ms,
      ...this.#timeouts(),
      types: [...types],
      transports: { ...TRANSPORTS, sse: eventSource },
      reopen: false,
      nowUs,
      isStarved: (link) => this.#isStarved(link),
      onstate: (word, detail) => this.#onState(word, detail),
      onupdate: (update) => this.#onUpdate(update),
      onduplicate: () => this.#onDuplicate(),
      ongap: (gap) => this.#onGap(gap),
      onreset: (reset) => this.#onReset(reset),
      onrequeststart: (request) => this.#emit('requeststart', request),
      onrequest: (request) => this.#onRequest(request),
      onkeepalive: () => this.#emit('keepalive', {}),
    });
  }

  /** Also listens to events of this name. */
  listen(type) {
    this.handle?.options.types.push(type);
    listenTo(this.handle, type);
  }

  disconnect() {
    this.handle?.close();
  }

  /** Tries again now, without the rest of the retry delay. */
  check() {
    this.handle?.check();
  }

  /** Closes and reopens the connection; `fresh` starts at the newest update, with counts of 0. */
  reconnect({ fresh = false } = {}) {
    this.disconnect();
    if (fresh) this.#clear();
    this.connect();
  }

  /** Breaks the connection: at the proxy in a lab, otherwise as well as a script can. */
  async cut() {
    const { tab } = this.app;
    if (!tab) return this.handle?.cut('cut by this page');
    await tab.fault(this.base === tab.shared ? 'shared' : this.endpoint, 'cut').catch((error) => this.#onState(this.word, { reason: error.message, retryInMs: null }));
  }

  snapshot() {
    const { received, missed, resets, duplicated, requests, requestsEmpty } = this;
    const seqs = Array.from({ length: this.seqs.length }, (_, i) => this.seqs.at(i));
    return {
      state: this.state, reason: this.reason, seq: this.seq, received, missed, resets, duplicated, requests, requestsEmpty,
      seqs,
    };
  }

  // Callbacks of the client.

  /** Shows a request that waits in the browser because all connections are in use. */
  #isStarved(link) {
    const isStarved = this.app.isStarved(this.base);
    const isPending = link.pendingSince !== null && (link.state !== OPEN || this.endpoint === 'short-polling');
    const waits = isStarved && isPending && nowUs() - link.pendingSince > 750_000;
    if (waits) link.setState(WAITING, { reason: 'all six connections are in use' });
    else if (link.state === WAITING) link.setState(CONNECTING);
    return isStarved;
  }

  #onState(word, { reason, retryInMs }) {
    this.word = word;
    this.reason = reason;
    this.#retryAt = retryInMs === null ? null : performance.now() + retryInMs;
    this.#emit('state', { state: this.state, word, reason, retryInMs });
  }

  #onUpdate(update) {
    const ageMs = (update.receivedAt - update.at) / 1000;
    this.received += 1;
    this.implausible = ageMs < -1 || ageMs > IMPLAUSIBLE_MS ? this.implausible + 1 : 0;
    this.ages.push(ageMs);
    this.seqs.push(update.seq);
    this.#last = update;
    this.#isDrawn = false;
    this.#emit('update', { ...update, ageMs });
  }

  #onDuplicate() {
    this.duplicated += 1;
  }

  /** Counts a gap as missed, except one of updates that the server never had (`again`). */
  #onGap(gap) {
    if (!gap.again) this.missed += gap.to - gap.from + 1;
    this.#emit('gap', gap);
  }

  /** Counts a reset; how many updates were lost is unknown. */
  #onReset(reset) {
    this.resets += 1;
    this.#emit('reset', reset);
  }

  #onRequest(request) {
    this.requests += 1;
    if (!request.useful) this.requestsEmpty += 1;
    this.#emit('request', request);
  }

  #emit(name, detail) {
    this.app.emit(name, { endpoint: this.endpoint, ...detail });
  }

  #clear() {
    this.handle = null;
    Object.assign(this, { received: 0, missed: 0, resets: 0, duplicated: 0, requests: 0, requestsEmpty: 0, implausible: 0 });
    this.ages.clear();
    this.seqs.clear();
    this.#last = null;
    this.#startedAt = nowUs();
    this.#isDrawn = false;
  }

  /** The watchdog's limit (three keepalives, and ten updates of a feed whose rate is known) and the retry delay. */
  #timeouts() {
    const { keepalive_ms = 15_000, retry_ms = 2000, updates_per_s, source } = this.app.tab?.now ?? {};
    const feed = source === 'synthetic' ? 10_000 / updates_per_s : 45_000;
    return { silenceMs: Math.max(3 * keepalive_ms, feed, 5000), retryMs: retry_ms };
  }

  // Display.

  #build() {
    const look = LOOKS[this.endpoint];
    this.element = document.querySelector('template#panel').content.firstElementChild.cloneNode(true);
    this.element.dataset.endpoint = this.endpoint;
    for (const field of this.element.querySelectorAll('[data-field]')) this.#fields[field.dataset.field] = field;
    this.canvas = this.element.querySelector('canvas');
    this.element.querySelector('.mark path').setAttribute('d', look.shape);
    const title = this.element.querySelector('h3');
    title.id = `endpoint-${this.endpoint}`;
    this.element.setAttribute('aria-labelledby', title.id);
    this.#put('name', look.name);
    this.#put('api', look.api);
    const act = { connect: () => this.connect(), disconnect: () => this.disconnect(), cut: () => this.cut(), copy: () => this.#copy() };
    this.buttons = {};
    for (const button of this.element.querySelectorAll('[data-action]')) {
      const { action } = button.dataset;
      this.buttons[action] = button;
      button.addEventListener('click', act[action]);
      if (action !== 'copy') button.setAttribute('aria-describedby', title.id);
    }
    this.buttons.copy.setAttribute('aria-label', `Copy the command line for ${look.name}`);
    if (this.app.tab) this.buttons.cut.title = 'Cuts the TCP connection at the proxy';
  }

  show(now) {
    const isClosed = !this.isConnected;
    this.#put('state', this.state);
    this.#put('reason', this.reason);
    this.#fields.reason.title = this.reason;
    this.#mark(this.word);
    this.#showNewest();
    this.buttons.connect.disabled = !isClosed;
    this.buttons.disconnect.disabled = this.word === CLOSED;
    this.buttons.cut.disabled = isClosed;
    this.#put('connect', this.received > 0 ? 'Reconnect' : 'Connect');
    this.#put('seq', this.seq === null ? '–' : count(this.seq));
    this.#put('missed', this.resets === 0 ? count(this.missed) : `${count(this.missed)}, reset`);
    for (const name of ['received', 'duplicated', 'requests']) this.#put(name, count(this[name]));
    this.#put('requests-empty', count(this.requestsEmpty));
    for (const way of ['down', 'up']) this.#put(`bytes-${way}`, bytes(this.counted[way]));
    this.#put('raw', this.#last ? capped(written(this.#last.raw)) : 'no message yet');
    if (now - this.#describedAt > 5000) this.#describe(now);
  }

  /** Writes how old the newest update is now, which goes on growing for a client that gets none. */
  #showNewest() {
    const ms = Math.max(nowUs() - (this.#last?.at ?? this.#startedAt), 0) / 1000;
    const epochs = [...this.app.panels.values()].filter(({ handle }) => handle?.epoch === this.handle?.epoch);
    const behind = Math.max(...epochs.map(({ seq }) => seq)) - this.seq;
    this.#put('newest-before', this.#last ? 'newest update is' : 'no update for');
    this.#put('newest', old(ms));
    this.#put('newest-after', !this.#last ? '' : behind > 0 ? `old, ${count(behind)} behind` : 'old');
    this.element.toggleAttribute('data-stale', ms > STALE_MS);
  }

  /** Writes the percentiles and draws the line, a few times a second. */
  showAges(ink, redraw) {
    if (this.#isDrawn && !redraw) return;
    this.#isDrawn = true;
    this.ages.settle();
    for (const part of [50, 95, 99]) this.#put(`age-p${part}`, age(this.ages.percentile(part / 100)));
    drawSparkline(this.canvas, this.ages.ring, { ...ink, color: ink[this.endpoint] });
  }

  /** The largest age in the window, ms. */
  get largestAge() {
    return this.ages.percentile(1) ?? 0;
  }

  /** Updates the text alternative of the chart, and the command line, every few seconds. */
  #describe(now) {
    this.#describedAt = now;
    const p50 = age(this.ages.percentile(0.5));
    this.canvas.setAttribute('aria-label', `Age of the last updates: half of them up to ${p50}`);
    this.#put('curl', commandLine(this.endpoint, this.base, this.seq));
    this.#fields.curl.title = this.#shown.curl;
  }

  #mark(word) {
    const kind = word === OPEN ? 'open' : word === CLOSED ? 'closed' : word === GAVE_UP ? 'gave-up' : 'connecting';
    if (this.element.dataset.state !== kind) this.element.dataset.state = kind;
  }

  #put(name, text) {
    if (this.#shown[name] === text) return;
    this.#shown[name] = text;
    (this.#fields[name] ?? this.buttons[name]).textContent = text;
  }

  async #copy() {
    this.#put('curl', commandLine(this.endpoint, this.base, this.seq));
    const label = await navigator.clipboard.writeText(this.#shown.curl).then(() => 'Copied', () => 'Select it');
    this.#put('copy', label);
    setTimeout(() => this.#put('copy', 'Copy'), 1500);
  }
}

function written(raw) {
  if (typeof raw === 'string') return raw;
  const hex = Array.from(new Uint8Array(raw).subarray(0, 48), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `binary frame of ${raw.byteLength} bytes: ${hex} …`;
}

function capped(text) {
  return text.length <= RAW_SHOWN ? text : `${text.slice(0, RAW_SHOWN)} … and ${count(text.length - RAW_SHOWN)} more`;
}

/** The command that makes the same request in a terminal. */
function commandLine(endpoint, base, seq) {
  const after = `after=${seq ?? 0}`;
  const url = base + ENDPOINTS[endpoint].path;
  return {
    'short-polling': `curl '${url}?${after}'`,
    'long-polling': `curl '${url}?${after}&hold=25s'`,
    sse: `curl -N '${url}'`,
    websocket: `feedlab watch ${url.replace(/^http/, 'ws')}`,
  }[endpoint];
}
