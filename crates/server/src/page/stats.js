// Percentiles of the last ages, and the formats of numbers on the page.

import { Ring } from './ring.js';

/** The number of updates over which percentiles are computed. */
export const WINDOW = 500;

/** The ages of the last updates, ms. */
export class Ages {
  #sorted = new Float64Array(WINDOW);
  #count = 0;

  constructor() {
    this.ring = new Ring(WINDOW);
  }

  push(ms) {
    this.ring.push(ms);
  }

  clear() {
    this.ring.clear();
    this.#count = 0;
  }

  /** Sorts the current ages, once for all calls of `percentile()` that follow. */
  settle() {
    this.#count = this.ring.copyTo(this.#sorted);
    this.#sorted.subarray(0, this.#count).sort();
  }

  /** The nearest-rank percentile: the smallest age that at least this part (0 to 1) of the ages do not exceed. */
  percentile(part) {
    if (this.#count === 0) return null;
    return this.#sorted[Math.max(Math.ceil(part * this.#count) - 1, 0)];
  }
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function count(n) {
  return whole.format(n);
}

/** Formats an age with two or three digits and a suitable unit. */
export function age(ms) {
  if (ms === null) return '–';
  const size = Math.abs(ms);
  if (size >= 60_000) return `${whole.format(ms / 1000)} s`;
  if (size >= 1000) return `${(ms / 1000).toFixed(size >= 10_000 ? 1 : 2)} s`;
  return `${ms.toFixed(size >= 10 ? 0 : size >= 1 ? 1 : 2)} ms`;
}

/** Formats an age that grows while one looks at it. */
export function old(ms) {
  if (ms >= 600_000) return `${whole.format(ms / 60_000)} min`;
  return `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`;
}

/** Formats bytes in decimal units, as networks count them, with two or three digits. */
export function bytes(n) {
  if (n === null || n < 1000) return n === null ? '–' : `${n} B`;
  const power = n < 999_500 ? 1 : n < 999_500_000 ? 2 : 3;
  const part = n / 1000 ** power;
  return `${part.toFixed(part < 9.95 ? 1 : 0)} ${['kB', 'MB', 'GB'][power - 1]}`;
}

/** A counter of the server, relative to its first reading. Another process counts from 0 again. */
export class Total {
  #process = null;
  #latest = 0;
  #sum = 0;

  /** Takes a reading of a server process; returns the count since the start. */
  read(process, value) {
    if (this.#process !== null) this.#sum += process === this.#process ? value - this.#latest : value;
    this.#process = process;
    this.#latest = value;
    return this.#sum;
  }

  /** Starts counting again from the last reading. */
  restart() {
    this.#sum = 0;
  }
}
