// A clock that only the test moves: setTimeout, setInterval, Date.now and performance.now follow it.

export class Clock {
  #now = 0;
  #timers = new Map();
  #next = 1;
  #real = {};

  /** Replaces the clocks of this process until `restore()`. */
  constructor() {
    const started = 1_767_225_600_000;
    const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
    this.#real = { setTimeout, clearTimeout, setInterval, clearInterval, now: Date.now, timeout: AbortSignal.timeout };
    globalThis.setTimeout = (act, ms = 0) => this.#add(act, ms, null);
    globalThis.setInterval = (act, ms) => this.#add(act, ms, ms);
    globalThis.clearTimeout = globalThis.clearInterval = (id) => this.#timers.delete(id);
    Date.now = () => started + this.#now;
    Object.defineProperty(performance, 'now', { value: () => this.#now, configurable: true });
    Object.defineProperty(performance, 'timeOrigin', { value: started, configurable: true });
    AbortSignal.timeout = (ms) => {
      const end = new AbortController();
      this.#add(() => end.abort(new DOMException('timeout', 'TimeoutError')), ms, null);
      return end.signal;
    };
  }

  get now() {
    return this.#now;
  }

  /** The number of timers that are pending. */
  get pending() {
    return this.#timers.size;
  }

  /** Moves the clock, running each timer when it is due, and everything that follows from it before the next. */
  async advance(ms) {
    const end = this.#now + ms;
    await settle();
    for (let due; (due = this.#due(end)) !== null;) {
      const timer = this.#timers.get(due);
      this.#now = Math.max(this.#now, timer.at);
      if (timer.every === null) this.#timers.delete(due);
      else timer.at += timer.every;
      timer.act();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  restore() {
    const { now, timeout, ...timers } = this.#real;
    Object.assign(globalThis, timers);
    Date.now = now;
    AbortSignal.timeout = timeout;
    delete performance.now;
    delete performance.timeOrigin;
  }

  #add(act, ms, every) {
    this.#timers.set(this.#next, { at: this.#now + ms, act, every });
    return this.#next++;
  }

  /** The id of the timer that is due first, if any is due by `end`. */
  #due(end) {
    let first = null;
    for (const [id, { at }] of this.#timers) {
      if (at <= end && (first === null || at < this.#timers.get(first).at)) first = id;
    }
    return first;
  }
}

/** Lets everything run that waits only for promises. */
export async function settle() {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
