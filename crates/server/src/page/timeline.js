// The shared timeline: one lane per endpoint, the present at the right edge.

import { nowUs } from './clock.js';
import { button, element, show } from './dom.js';
import { ENDPOINTS } from './endpoints.js';
import { CLOSED, GAVE_UP, OPEN } from './feed-client.js';
import { LOOKS } from './panel.js';
import { Ring } from './ring.js';
import { fitted, line, sizeOf } from './sparkline.js';
import { age, count } from './stats.js';

const ZOOMS_S = [10, 20, 60];
const NEAR_PX = 12;      // how far from an update the pointer may be
const KEPT = 14_000;     // events kept per lane: a minute of 200 updates per second
const SUMMARY_MS = 5000; // between updates of the text

const [REQUEST, EMPTY, STREAM, DOWN, UPDATE, KEEPALIVE, RECONNECT, GAP] = [0, 1, 2, 3, 4, 5, 6, 7];

/** The legend: each sign's label, its path, and its CSS class. */
const LEGEND = [
  ['request', 'M8 1v10', 'muted'],
  ['held, or stream', 'M1 6h14', 'bar'],
  ['update', 'M8 2.5a3.5 3.5 0 1 0 .01 0z', 'dot'],
  ['keepalive', 'M8 3a3 3 0 1 0 .01 0z', 'ring'],
  ['not connected', 'M1 6h3m2 0h4m2 0h3', 'down'],
  ['reconnected', 'M8 11V1l6 3-6 3', 'flag'],
  ['gap', 'M4 2l8 8m0-8-8 8', 'cross'],
];

/** One endpoint's events, each with a start, an end and a kind. */
class Lane {
  constructor(endpoint) {
    this.endpoint = endpoint;
    this.mark = new Path2D(LOOKS[endpoint].shape);
    this.start = new Ring(KEPT);
    this.end = new Ring(KEPT);
    this.kind = new Ring(KEPT);
    /** Of updates: the sequence number, and the age on arrival, ms. */
    this.seq = new Ring(KEPT);
    this.age = new Ring(KEPT);
    /** When the pending request, the stream, or the time without a connection started, ms; null if there is none. */
    this.pending = this.streaming = this.down = null;
    this.wasOpen = false;
  }

  add(kind, start, end = start, { seq = 0, ageMs = 0 } = {}) {
    this.start.push(start);
    this.end.push(end);
    this.kind.push(kind);
    this.seq.push(seq);
    this.age.push(ageMs);
  }

  /** The update between two times for which `distance(update)` is least; null if there is none. */
  nearest(distance, since = -Infinity, until = Infinity) {
    let best = null;
    for (let i = firstSince(this.end, since); i < this.kind.length && this.start.at(i) <= until; i += 1) {
      if (this.kind.at(i) !== UPDATE) continue;
      const update = { seq: this.seq.at(i), at: this.start.at(i), ageMs: this.age.at(i) };
      update.off = Math.abs(distance(update));
      if (update.off <= (best?.off ?? Infinity)) best = update;
    }
    return best;
  }

  /** Ends the stream, or the time without a connection. */
  settle(now) {
    if (this.streaming !== null) this.add(STREAM, this.streaming, now);
    if (this.down !== null) this.add(DOWN, this.down, now);
    this.streaming = this.down = this.pending = null;
  }

  state(word, now) {
    const { isStream } = ENDPOINTS[this.endpoint];
    if (word === OPEN) {
      const pending = isStream ? null : this.pending;
      this.settle(now);
      this.pending = pending;
      if (this.wasOpen) this.add(RECONNECT, now);
      if (isStream) this.streaming = now;
      this.wasOpen = true;
    } else if (this.down === null) {
      this.settle(now);
      if (word !== CLOSED) this.down = now;
    } else if (word === CLOSED) this.settle(now);
    if (word === CLOSED || word === GAVE_UP) this.pending = null;
  }
}

export class Timeline {
  #canvas = document.querySelector('#timeline');
  #tick = -1;
  #isSeen = true;
  #describedAt = 0;
  #still = matchMedia('(prefers-reduced-motion: reduce)');
  #windowMs = 20_000;
  #pausedAt = null;  // ms, or null while it moves
  #shownMs = 0;      // the time at the right edge
  #picked = null;    // the update that is described: {lane, seq, at, ageMs}

  constructor(app) {
    this.lanes = new Map(Object.keys(ENDPOINTS).map((endpoint) => [endpoint, new Lane(endpoint)]));
    const on = (name, act) => app.events.addEventListener(name, ({ detail }) => act(this.lanes.get(detail.endpoint), detail, nowUs() / 1000));
    on('requeststart', (lane, { at }) => { lane.pending = at / 1000; });
    on('request', (lane, { useful, startedAt }, now) => {
      lane.pending = null;
      lane.add(useful ? REQUEST : EMPTY, startedAt / 1000, now);
    });
    on('update', (lane, update) => lane.add(UPDATE, update.receivedAt / 1000, update.receivedAt / 1000, update));
    on('keepalive', (lane, _, now) => lane.add(KEEPALIVE, now));
    on('gap', (lane, _, now) => lane.add(GAP, now));
    on('reset', (lane, _, now) => lane.add(GAP, now));
    on('state', (lane, { word }, now) => lane.state(word, now));
    new IntersectionObserver(([entry]) => { this.#isSeen = entry.isIntersecting; }).observe(this.#canvas);
    this.#build();
    this.#buildTools();
  }

  /** Draws if the picture would move by a pixel; with `redraw`, always. */
  draw(ink, redraw) {
    if (!this.#isSeen && !redraw) return;
    const width = sizeOf(this.#canvas).width - 8;
    if (width <= 0) return;
    const now = this.#pausedAt ?? nowUs() / 1000;
    const step = this.#still.matches ? 1000 : this.#windowMs / width;
    const tick = Math.floor(now / step);
    if (tick === this.#tick && !redraw) return;
    this.#tick = tick;
    this.#shownMs = tick * step;
    this.#paint(tick * step, width, ink);
  }

  #paint(now, width, ink) {
    const context = fitted(this.#canvas);
    const { height } = sizeOf(this.#canvas);
    const axis = ink.size + 8;
    const tall = (height - axis) / this.lanes.size;
    const windowMs = this.#windowMs;
    const x = (time) => Math.min(Math.max(width - ((now - time) / windowMs) * width, -4), width + 16);
    const place = { x, now, windowMs, tall, width, bottom: height - axis, isPaused: this.#pausedAt !== null };
    context.clearRect(0, 0, width + 8, height);
    context.font = ink.font;
    paintAxis(context, place, ink);
    [...this.lanes.values()].forEach((lane, i) => {
      paintLane(context, lane, { ...place, top: i * tall }, ink);
      if (this.#picked?.lane === lane) paintPicked(context, x(this.#picked.at), i * tall, tall, ink);
    });
  }

  // Pause, zoom, and the update under the pointer.

  #buildTools() {
    const pause = button('Pause', () => {
      this.#pausedAt = this.#pausedAt === null ? nowUs() / 1000 : null;
      pause.ariaPressed = String(this.#pausedAt !== null);
      this.#tick = -1;
    });
    pause.ariaPressed = 'false';
    const zooms = ZOOMS_S.map((seconds) => button(`${seconds} s`, () => this.#zoom(seconds, zooms)));
    document.querySelector('#timeline-tools').append(pause, ...zooms);
    this.#zoom(this.#windowMs / 1000, zooms);
    this.#canvas.addEventListener('pointermove', (event) => this.#point(event));
    this.#canvas.addEventListener('pointerdown', (event) => this.#point(event));
    this.#canvas.addEventListener('keydown', (event) => this.#press(event));
    this.#pick(null);
  }

  #zoom(seconds, buttons) {
    this.#windowMs = seconds * 1000;
    this.#tick = -1;
    buttons.forEach((made, i) => { made.ariaPressed = String(ZOOMS_S[i] === seconds); });
  }

  #point({ offsetX, offsetY }) {
    const { width, height } = sizeOf(this.#canvas);
    const lanes = [...this.lanes.values()];
    const lane = lanes[Math.min(Math.floor(offsetY / height * lanes.length), lanes.length - 1)];
    const perPx = this.#windowMs / (width - 8);
    const time = this.#shownMs - (width - 8 - offsetX) * perPx;
    const update = lane.nearest(({ at }) => at - time, this.#shownMs - this.#windowMs, this.#shownMs);
    if (update && update.off <= NEAR_PX * perPx) this.#pick(lane, update);
  }

  /** Left and right go to the update before or after, up and down to another endpoint. */
  #press(event) {
    const [step, turn] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (step === undefined) return;
    event.preventDefault();
    const lanes = [...this.lanes.values()];
    const from = this.#picked ?? { lane: lanes[0], at: this.#shownMs };
    const lane = lanes.at((lanes.indexOf(from.lane) + turn) % lanes.length);
    const isBeside = step !== 0 && this.#picked !== null;
    const update = lane.nearest(({ seq, at }) => (isBeside ? seq - from.seq - step : at - from.at), 0, this.#shownMs);
    if (update) this.#pick(lane, update);
  }

  #pick(lane, update) {
    this.#picked = lane && { ...update, lane };
    this.#tick = -1;
    show('#picked', lane ? `${LOOKS[lane.endpoint].name}: update ${count(update.seq)} arrived at ${clockTime(update.at)}, ${age(update.ageMs)} old.`
      : 'Point at an update, or press the arrow keys here: this line tells its seq, time and age.');
  }

  // Legend and text.

  #build() {
    const legend = document.querySelector('#legend');
    for (const [text, path, kind] of LEGEND) {
            legend.append(element('li', { innerHTML: `<svg viewBox="0 0 16 12" aria-hidden="true" class="${kind}"><path d="${path}"/></svg>${text}` }));
    }
    document.querySelector('#lanes').append(...[...this.lanes.keys()].map((endpoint) => element('li', {}, LOOKS[endpoint].name)));
  }

  /** Updates the text alternative every few seconds; it is never a live region. */
  describe(now) {
    if (now - this.#describedAt < SUMMARY_MS) return;
    this.#describedAt = now;
    const since = (this.#pausedAt ?? nowUs() / 1000) - this.#windowMs;
    const summaries = [...this.lanes].map(([endpoint, lane]) => {
      const seen = new Array(8).fill(0);
      for (let i = firstSince(lane.end, since); i < lane.kind.length; i += 1) seen[lane.kind.at(i)] += 1;
      return `${LOOKS[endpoint].name} ${seen[UPDATE]} updates in ${seen[REQUEST] + seen[EMPTY]} requests, ${seen[KEEPALIVE]} keepalives, ${seen[RECONNECT]} reconnects, ${seen[GAP]} gaps`;
    });
    this.#canvas.setAttribute('aria-label', `Timeline of ${this.#windowMs / 1000} seconds: ${summaries.join('; ')}`);
  }
}

function clockTime(ms) {
  return `${new Date(ms).toLocaleTimeString('en', { hour12: false })}.${String(Math.floor(ms) % 1000).padStart(3, '0')}`;
}

function paintAxis(context, { x, now, windowMs, width, bottom, isPaused }, ink) {
  context.textBaseline = 'top';
  for (let ago = 0; ago <= windowMs; ago += windowMs / 4) {
    const at = Math.round(x(now - ago)) + 0.5;
    line(context, ink.grid, at, 0, at, bottom + 3);
    context.fillStyle = ink.muted;
    context.textAlign = ago === 0 ? 'right' : ago === windowMs ? 'left' : 'center';
    const text = ago > 0 ? `−${ago / 1000} s` : isPaused ? clockTime(now).slice(0, 8) : 'now';
    context.fillText(text, ago === 0 ? width + 6 : at, bottom + 5);
  }
}

function paintPicked(context, x, top, tall, ink) {
  context.strokeStyle = ink.ink;
  context.lineWidth = 1;
  context.strokeRect(x - 6, top + 2, 12, tall - 5);
}

/** Draws the bars first, then the moments. The names are beside the canvas, so that nothing lies over them. */
function paintLane(context, lane, place, ink) {
  const { x, now, top, tall, width } = place;
  const color = ink[lane.endpoint];
  const rows = { bars: top + tall * 0.72, updates: top + tall * 0.4 };
  line(context, ink.grid, 0, Math.round(top + tall) - 0.5, width + 8);

  const { kind, start, end } = lane;
  const first = firstSince(end, now - place.windowMs);
  for (let i = first; i < kind.length; i += 1) {
    const what = kind.at(i);
    if (what <= DOWN) paintBar(context, what, x(start.at(i)), x(end.at(i)), rows.bars, color, ink);
  }
  if (lane.pending !== null) paintBar(context, REQUEST, x(lane.pending), width, rows.bars, color, ink);
  if (lane.streaming !== null) paintBar(context, STREAM, x(lane.streaming), width, rows.bars, color, ink);
  if (lane.down !== null) paintBar(context, DOWN, x(lane.down), width, rows.bars, color, ink);

  paintUpdates(context, lane, first, x, rows.updates, color, ink.size / 19);
  for (let i = first; i < kind.length; i += 1) {
    const what = kind.at(i);
    if (what > UPDATE) paintSign(context, what, x(start.at(i)), rows, top, ink);
  }
}

/** The index of the first event that ends in the window: ends increase along the ring, so a binary search finds it. */
function firstSince(end, since) {
  let [low, high] = [0, end.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (end.at(middle) < since) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Draws a request as a tick where it was sent; a longer one as a bar that starts with the tick. */
function paintBar(context, kind, from, to, y, color, ink) {
  if (kind === DOWN) {
    context.setLineDash([5, 4]);
    line(context, ink.bad, from, y, to, y, 2);
    return context.setLineDash([]);
  }
  context.fillStyle = kind === EMPTY ? ink.muted : color;
  if (to - from > 3) {
    context.globalAlpha = 0.4;
    context.fillRect(from, y - 3, to - from, 6);
    context.globalAlpha = 1;
  }
  const tick = kind === EMPTY ? 3 : 6;
  context.fillRect(from, y - tick, 1.5, 2 * tick);
}

/** Draws all updates of a lane in one path; two that would overlap are drawn as one. */
function paintUpdates(context, lane, first, x, y, color, size) {
  const marks = new Path2D();
  let last = -Infinity;
  for (let i = first; i < lane.kind.length; i += 1) {
    if (lane.kind.at(i) !== UPDATE) continue;
    const at = x(lane.start.at(i));
    if (at - last < 1.5) continue;
    last = at;
    marks.addPath(lane.mark, { a: size, d: size, e: at - 6 * size, f: y - 6 * size });
  }
  context.fillStyle = color;
  context.fill(marks);
}

function paintSign(context, kind, x, rows, top, ink) {
  context.lineWidth = 1.75;
  context.beginPath();
  if (kind === KEEPALIVE) {
    context.strokeStyle = ink.ink;
    context.arc(x, rows.bars, 3.5, 0, 2 * Math.PI);
    context.stroke();
  } else if (kind === RECONNECT) {
    context.strokeStyle = context.fillStyle = ink.ink;
    context.moveTo(x, rows.bars + 6);
    context.lineTo(x, top + 4);
    context.lineTo(x + 8, top + 8);
    context.lineTo(x, top + 12);
    context.stroke();
    context.fill();
  } else {
    for (const slope of [5, -5]) line(context, ink.bad, x - 5, rows.updates - slope, x + 5, rows.updates + slope, 1.75);
  }
}
