// A ring buffer of numbers: keeps the newest `capacity` of them, in memory that never grows.

export class Ring {
  #values;
  #next = 0;

  constructor(capacity) {
    this.#values = new Float64Array(capacity);
    this.length = 0;
  }

  push(value) {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#values.length;
    if (this.length < this.#values.length) this.length += 1;
  }

  /** The value at an index, 0 being the oldest. */
  at(index) {
    const { length } = this.#values;
    return this.#values[(this.#next - this.length + index + length) % length];
  }

  clear() {
    this.length = 0;
  }

  /** Copies the newest values that fit into `target`, oldest first; returns how many. */
  copyTo(target) {
    const count = Math.min(this.length, target.length);
    for (let i = 0; i < count; i += 1) target[i] = this.at(this.length - count + i);
    return count;
  }
}
