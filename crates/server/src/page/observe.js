// Counts what the endpoints do, for a lesson's report.

import { nowUs } from './clock.js';
import { GAVE_UP, OPEN } from './feed-client.js';

/** What one endpoint did while it was watched. */
class Observation {
  updates = 0;
  /** The number of updates that gaps reported. */
  lost = 0;
  /** How often a connection was lost or an attempt failed, and how often it was open again. */
  breaks = 0;
  returns = 0;
  gaveUp = false;
  requests = 0;
  /** The largest number of updates within 20 ms. */
  burst = 0;
  /** The age of the oldest update on arrival, ms. */
  oldestMs = 0;
  /** [seq, whether it was due before the reconnect] for each update since the last reconnect. */
  sinceReturn = [];

  #longestMs = 0;
  #lostAt = null;
  #backAt = null;
  #burstAt = 0;
  #burstSize = 0;

  state(word, retryInMs) {
    if (word === OPEN) return this.#opened();
    if (word === GAVE_UP) this.gaveUp = true;
    else if (retryInMs === null) return;
    this.breaks += 1;
    this.#lostAt ??= performance.now();
  }

  get isAway() {
    return this.#lostAt !== null;
  }

  /** The longest time without a connection, ms; up to now if it is still disconnected. */
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
    if (now - this.#burstAt > 20_000) [this.#burstAt, this.#burstSize] = [now, 0];
    this.burst = Math.max(this.burst, ++this.#burstSize);
    if (this.#backAt !== null && this.sinceReturn.length < 1000) this.sinceReturn.push([seq, at < this.#backAt]);
  }
}

/** Returns `{endpoints: {endpoint: Observation}, stop()}`. */
export function observe(app) {
  const endpoints = Object.fromEntries([...app.panels.keys()].map((endpoint) => [endpoint, new Observation()]));
  const end = new AbortController();
  const on = (type, act) => app.events.addEventListener(type, ({ detail }) => endpoints[detail.endpoint] && act(endpoints[detail.endpoint], detail), { signal: end.signal });
  on('state', (seen, { word, retryInMs }) => seen.state(word, retryInMs));
  on('update', (seen, update) => seen.update(update));
  on('gap', (seen, { from, to }) => (seen.lost += to - from + 1));
  on('request', (seen) => (seen.requests += 1));
  return { endpoints, stop: () => end.abort() };
}

/** Waits `ms`; rejects if the lesson is stopped. */
export function wait(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/** Waits until a condition holds; returns `false` if it does not within `ms`. */
export async function until(condition, ms, signal) {
  for (const end = performance.now() + ms; performance.now() < end;) {
    if (condition()) return true;
    await wait(50, signal);
  }
  return condition();
}
