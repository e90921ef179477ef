// The shared timeline: one lane per endpoint, the present at the right edge.

import { nowUs } from './clock.js';
import { ENDPOINTS } from './endpoints.js';
import { CLOSED, GAVE_UP, OPEN } from './feed-client.js';
import { LOOKS } from './panel.js';
import { Ring } from './ring.js';
import { fitted, sizeOf } from './sparkline.js';

const WINDOW_MS = 20_000;
const KEPT = 6000;       // events kept per lane
const SUMMARY_MS = 5000; // interval between updates of the text

const [REQUEST, EMPTY, STREAM, DOWN, UPDATE, KEEPALIVE, RECONNECT, GAP] = [0, 1, 2, 3, 4, 5, 6, 7];

/** The legend: each sign's label, its path of 16 × 12, and its CSS class. */
const LEGEND = [
  ['request', 'M8 1v10', 'muted'],
  ['held, or stream', 'M1 6h14', 'bar'],
  ['update', 'M8 2.5a3.5 3.5 0 1 0 .01 0z', 'dot'],
  ['keepalive', 'M8 3a3 3 0 1 0 .01 0z', 'ring'],
  ['not connected', 'M1 6h3m2 0h4m2 0h3', 'down'],
  ['reconnected', 'M8 11V1l6 3-6 3', 'flag'],
  ['gap', 'M4 2l8 8m0-8-8 8', 'cross'],
];

/** One endpoint's events, each with a start, an end (equal for a moment) and a kind. */
class Lane {
  constructor(endpoint) {
    this.endpoint = endpoint;
    this.start = new Ring(KEPT);
    this.end = new Ring(KEPT);
    this.kind = new Ring(KEPT);
    /** When the pending request, the stream, or the time without a connection started, ms; null if there is none. */
    this.pending = this.streaming = this.down = null;
    this.wasOpen = false;
  }

  add(kind, start, end = start) {
    this.start.push(start);
    this.end.push(end);
    this.kind.push(kind);
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
  #rows = new Map();
  #tick = -1;
  #isSeen = true;
  #describedAt = 0;
  #still = matchMedia('(prefers-reduced-motion: reduce)');

  constructor(app, endpoints) {
    this.lanes = new Map(endpoints.map((endpoint) => [endpoint, new Lane(endpoint)]));
    const on = (name, act) => app.events.addEventListener(name, ({ detail }) => act(this.lanes.get(detail.endpoint), detail, nowUs() / 1000));
    on('requeststart', (lane, { at }) => { lane.pending = at / 1000; });
    on('request', (lane, { useful, startedAt }, now) => {
      lane.pending = null;
      lane.add(useful ? REQUEST : EMPTY, startedAt / 1000, now);
    });
    on('update', (lane, { receivedAt }) => lane.add(UPDATE, receivedAt / 1000));
    on('keepalive', (lane, _, now) => lane.add(KEEPALIVE, now));
    on('gap', (lane, _, now) => lane.add(GAP, now));
    on('state', (lane, { word }, now) => lane.state(word, now));
    new IntersectionObserver(([entry]) => { this.#isSeen = entry.isIntersecting; }).observe(this.#canvas);
    this.#build();
  }

  /** Draws if the picture would move by a pixel; with `redraw`, always. */
  draw(ink, redraw) {
    if (!this.#isSeen && !redraw) return;
    const width = sizeOf(this.#canvas).width - 8;
    if (width <= 0) return;
    const now = nowUs() / 1000;
    const step = this.#still.matches ? 1000 : WINDOW_MS / width;
    const tick = Math.floor(now / step);
    if (tick === this.#tick && !redraw) return;
    this.#tick = tick;
    this.#paint(tick * step, width, ink);
  }

  #paint(now, width, ink) {
    const context = fitted(this.#canvas);
    const { height } = sizeOf(this.#canvas);
    const axis = ink.size + 8;
    const tall = (height - axis) / this.lanes.size;
    const x = (time) => Math.max(width - ((now - time) / WINDOW_MS) * width, -4);
    context.clearRect(0, 0, width + 8, height);
    context.font = ink.font;
    paintAxis(context, x, now, width, height - axis, ink);
    let top = 0;
    for (const lane of this.lanes.values()) {
      paintLane(context, lane, { x, now, top, tall, width }, ink);
      top += tall;
    }
  }

  // Legend and text.

  #build() {
    const legend = document.querySelector('#legend');
    for (const [text, path, kind] of LEGEND) {
      const item = document.createElement('li');
      const sign = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
      const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
      sign.setAttribute('viewBox', '0 0 16 12');
      sign.setAttribute('aria-hidden', 'true');
      sign.setAttribute('class', kind);
      line.setAttribute('d', path);
      sign.append(line);
      item.append(sign, text);
      legend.append(item);
    }
    const body = document.querySelector('#timeline-text tbody');
    for (const endpoint of this.lanes.keys()) {
      const row = body.insertRow();
      const head = document.createElement('th');
      head.scope = 'row';
      head.textContent = LOOKS[endpoint].name;
      row.append(head);
      this.#rows.set(endpoint, Array.from({ length: 5 }, () => row.insertCell()));
    }
  }

  /** Updates the text alternative every few seconds; it is never a live region. */
  describe(now) {
    if (now - this.#describedAt < SUMMARY_MS) return;
    this.#describedAt = now;
    const since = nowUs() / 1000 - WINDOW_MS;
    const summaries = [];
    for (const [endpoint, lane] of this.lanes) {
      const seen = new Array(8).fill(0);
      for (let i = lane.kind.length - 1; i >= 0 && lane.end.at(i) >= since; i -= 1) seen[lane.kind.at(i)] += 1;
      const cells = [seen[REQUEST] + seen[EMPTY], seen[UPDATE], seen[KEEPALIVE], seen[RECONNECT], seen[GAP]];
      cells.forEach((value, i) => { this.#rows.get(endpoint)[i].textContent = value; });
      summaries.push(`${LOOKS[endpoint].name} ${seen[UPDATE]} updates in ${cells[0]} requests`);
    }
    this.#canvas.setAttribute('aria-label', `Timeline of the last 20 seconds: ${summaries.join('; ')}`);
  }
}

function paintAxis(context, x, now, width, bottom, ink) {
  context.lineWidth = 1;
  context.textBaseline = 'top';
  for (let ago = 0; ago <= WINDOW_MS; ago += 5000) {
    const at = Math.round(x(now - ago)) + 0.5;
    context.strokeStyle = ink.grid;
    context.beginPath();
    context.moveTo(at, 0);
    context.lineTo(at, bottom + 3);
    context.stroke();
    context.fillStyle = ink.muted;
    context.textAlign = ago === 0 ? 'right' : ago === WINDOW_MS ? 'left' : 'center';
    context.fillText(ago === 0 ? 'now' : `${ago / 1000} s ago`, ago === 0 ? width + 6 : at, bottom + 5);
  }
}

/** Draws the bars first, then the moments; names last, so that they stay readable. */
function paintLane(context, lane, place, ink) {
  const { x, now, top, tall, width } = place;
  const color = ink[lane.endpoint];
  const rows = { bars: top + tall * 0.76, updates: top + tall * 0.5 };
  context.strokeStyle = ink.grid;
  context.beginPath();
  context.moveTo(0, Math.round(top + tall) - 0.5);
  context.lineTo(width + 8, Math.round(top + tall) - 0.5);
  context.stroke();

  const { kind, start, end } = lane;
  const first = firstSince(end, now - WINDOW_MS);
  for (let i = first; i < kind.length; i += 1) {
    const what = kind.at(i);
    if (what <= DOWN) paintBar(context, what, x(start.at(i)), x(end.at(i)), rows.bars, color, ink);
  }
  if (lane.pending !== null) paintBar(context, REQUEST, x(lane.pending), width, rows.bars, color, ink);
  if (lane.streaming !== null) paintBar(context, STREAM, x(lane.streaming), width, rows.bars, color, ink);
  if (lane.down !== null) paintBar(context, DOWN, x(lane.down), width, rows.bars, color, ink);

  paintUpdates(context, lane, first, x, rows.updates, color, ink.size / 3.6);
  for (let i = first; i < kind.length; i += 1) {
    const what = kind.at(i);
    if (what > UPDATE) paintSign(context, what, x(start.at(i)), rows, top, ink);
  }
  context.fillStyle = ink.ink;
  context.textAlign = 'left';
  context.textBaseline = 'top';
  context.fillText(LOOKS[lane.endpoint].name, 2, top + 4);
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
    context.strokeStyle = ink.bad;
    context.lineWidth = 2;
    context.setLineDash([5, 4]);
    context.beginPath();
    context.moveTo(from, y);
    context.lineTo(to, y);
    context.stroke();
    context.setLineDash([]);
    return;
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
function paintUpdates(context, lane, first, x, y, color, radius) {
  let last = -Infinity;
  context.fillStyle = color;
  context.beginPath();
  for (let i = first; i < lane.kind.length; i += 1) {
    if (lane.kind.at(i) !== UPDATE) continue;
    const at = x(lane.start.at(i));
    if (at - last < 1.5) continue;
    last = at;
    SHAPES[lane.endpoint](context, at, y, radius);
  }
  context.fill();
}

const SHAPES = {
  'short-polling'(context, x, y, r) {
    context.moveTo(x + r, y);
    context.arc(x, y, r, 0, 2 * Math.PI);
  },
  'long-polling'(context, x, y, r) {
    context.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
  },
  sse(context, x, y, r) {
    context.moveTo(x, y - r * 1.15);
    context.lineTo(x + r * 1.1, y + r * 0.85);
    context.lineTo(x - r * 1.1, y + r * 0.85);
    context.closePath();
  },
  websocket(context, x, y, r) {
    context.moveTo(x, y - r * 1.25);
    context.lineTo(x + r * 1.25, y);
    context.lineTo(x, y + r * 1.25);
    context.lineTo(x - r * 1.25, y);
    context.closePath();
  },
};

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
    context.strokeStyle = ink.bad;
    context.moveTo(x - 5, rows.updates - 5);
    context.lineTo(x + 5, rows.updates + 5);
    context.moveTo(x + 5, rows.updates - 5);
    context.lineTo(x - 5, rows.updates + 5);
    context.stroke();
  }
}
