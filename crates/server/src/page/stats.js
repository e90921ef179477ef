// Percentiles of the last ages, and how numbers are written on the page.

import { Ring } from './ring.js';

/** Over how many updates an age's percentile is taken. */
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

  /** Sorts what there is now: once for all the questions that follow. */
  settle() {
    this.#count = this.ring.copyTo(this.#sorted);
    this.#sorted.subarray(0, this.#count).sort();
  }

  /** The nearest-rank percentile: the smallest age that at least this part (0 to 1) of all ages does not exceed. */
  percentile(part) {
    if (this.#count === 0) return null;
    return this.#sorted[Math.max(Math.ceil(part * this.#count) - 1, 0)];
  }
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function count(n) {
  return whole.format(n);
}

/** Two or three figures, and the unit that makes them readable. */
export function age(ms) {
  if (ms === null) return '–';
  const size = Math.abs(ms);
  if (size >= 60_000) return `${whole.format(ms / 1000)} s`;
  if (size >= 1000) return `${(ms / 1000).toFixed(size >= 10_000 ? 1 : 2)} s`;
  return `${ms.toFixed(size >= 10 ? 0 : size >= 1 ? 1 : 2)} ms`;
}

/** Bytes in decimal units, as networks count them. */
export function bytes(n) {
  if (n === null || n === undefined) return '–';
  if (n < 1000) return `${n} B`;
  if (n < 10_000_000) return `${(n / 1000).toFixed(n < 100_000 ? 1 : 0)} kB`;
  return `${(n / 1_000_000).toFixed(n < 100_000_000 ? 1 : 0)} MB`;
}

/** A counter of the server's, from where it stood when it was first read. Another life of the server counts from 0. */
export class Total {
  #life = null;
  #begun = 0;
  #read = 0;
  #before = 0;

  /** What was counted since the beginning. */
  read(life, value) {
    if (this.#life === null) this.#begun = value;
    else if (life !== this.#life) {
      this.#before += this.#read - this.#begun;
      this.#begun = 0;
    }
    this.#life = life;
    this.#read = value;
    return this.#before + value - this.#begun;
  }

  /** Counts from what was last read. */
  begin() {
    this.#begun = this.#read;
    this.#before = 0;
  }
}
