// Watches the four endpoints for a while, and counts what a lesson tells.

import { nowUs } from './feed-client.js';

/** What one endpoint did while it was watched. */
class Seen {
  updates = 0;
  /** Updates that a gap said are lost. */
  lost = 0;
  /** How often a connection was lost, or an attempt failed. */
  breaks = 0;
  gaveUp = false;
  /** How often it was open again after that. */
  returns = 0;
  requests = 0;
  /** The most updates that came within 20 ms: a lump, if a proxy or a server collected them. */
  lump = 0;
  /** The oldest update when it arrived, ms. */
  oldestMs = 0;
  /** [seq, due before the connection was back] of each update since it was. */
  sinceReturn = [];

  #longestMs = 0;
  #lostAt = null;
  #backAt = null;
  #lumpAt = 0;
  #lumpSize = 0;

  state(word) {
    if (word === 'open') return this.#opened();
    const broken = word.startsWith('connecting — retry') || word === 'closed — gave up';
    if (word === 'closed — gave up') this.gaveUp = true;
    if (!broken) return;
    this.breaks += 1;
    this.#lostAt ??= performance.now();
  }

  get isAway() {
    return this.#lostAt !== null;
  }

  /** How long it was away at most, ms; until now, if it still is. */
  get awayMs() {
    return Math.max(this.#longestMs, this.isAway ? performance.now() - this.#lostAt : 0);
  }

  #opened() {
    if (this.#lostAt === null) return;
    this.gaveUp = false;
    this.returns += 1;
    this.#longestMs = this.awayMs;
    this.#lostAt = null;
    this.#backAt = nowUs();
    this.sinceReturn = [];
  }

  update({ seq, at }) {
    const now = nowUs();
    this.updates += 1;
    this.oldestMs = Math.max(this.oldestMs, (now - at) / 1000);
    if (now - this.#lumpAt > 20_000) [this.#lumpAt, this.#lumpSize] = [now, 0];
    this.lump = Math.max(this.lump, ++this.#lumpSize);
    if (this.#backAt !== null && this.sinceReturn.length < 1000) this.sinceReturn.push([seq, at < this.#backAt]);
  }
}

/** Begins to watch; `{endpoints: {endpoint: Seen}, stop()}`. */
export function observe(app) {
  const endpoints = Object.fromEntries([...app.panels.keys()].map((endpoint) => [endpoint, new Seen()]));
  const end = new AbortController();
  const on = (type, act) => app.events.addEventListener(type, ({ detail }) => endpoints[detail.endpoint] && act(endpoints[detail.endpoint], detail), { signal: end.signal });
  on('state', (seen, detail) => seen.state(stateWord(detail)));
  on('update', (seen, detail) => seen.update(detail.update ?? detail));
  on('gap', (seen, { from, to }) => (seen.lost += to - from + 1));
  on('request', (seen) => (seen.requests += 1));
  return { endpoints, stop: () => end.abort() };
}

/** The state as the panel words it: while a retry is waited for, the client library says "connecting" and how long. */
function stateWord({ word, state, retryInMs }) {
  const said = word ?? state ?? '';
  return said === 'connecting' && retryInMs != null ? 'connecting — retry' : said;
}

/** Waits, unless the lesson is ended. */
export function wait(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/** Waits until something is so; `false` when it was not within `ms`. */
export async function until(is, ms, signal) {
  for (const end = performance.now() + ms; performance.now() < end;) {
    if (is()) return true;
    await wait(50, signal);
  }
  return is();
}
