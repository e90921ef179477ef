// The page: creates `app`, the four panels and one animation loop, and passes `app` to the other parts.

import { ENDPOINTS } from './endpoints.js';
import { openLab } from './lab.js';
import { setUpControls } from './controls.js';
import { setUpPresets } from './presets.js';
import { setUpLessons } from './lessons.js';
import { setUpMeter } from './meter.js';
import { Panel } from './panel.js';
import { Timeline } from './timeline.js';
import { Total } from './stats.js';
import { fit } from './sparkline.js';

const TEXT_MS = 100;   // between two updates of the figures
const AGES_MS = 250;   // between two redraws of the sparklines
const STATS_MS = 500;  // between two requests for the server's counters
const FRAME_MS = 1000 / 60;

const app = {
  /** 'lab': this tab has its own server, behind lab proxies. 'direct': the endpoints of the page's own origin. */
  mode: 'direct',
  /** Why there is no lab, as a sentence; null if there is one. */
  why: null,
  /** The tab's lab, as `openLab()` returned it; null in direct mode. */
  tab: null,
  /** endpoint → Panel */
  panels: new Map(),
  /** The settings of the clients in this page: polling interval and hold of a long poll, ms. */
  client: { interval_ms: 1000, hold_ms: 25000 },
  /** The event names known so far: an EventSource receives only the events that it listens to by name. */
  types: new Set(['message', 'tick', 'load', 'earthquake', 'explosion', 'quarry-blast']),
  /**
   * Events of the endpoints, named in `detail.endpoint`: 'state' 'update' 'gap' 'reset' 'duplicate' 'requeststart'
   * 'request' 'keepalive'. Also 'stats', whose detail is the server's response.
   */
  events: new EventTarget(),
  /** Whether all connections that the browser allows to this origin are in use; the meter replaces it. */
  isStarved: (_origin) => false,
  connectAll() { for (const panel of app.panels.values()) panel.connect(); },
  disconnectAll() { for (const panel of app.panels.values()) panel.disconnect(); },
  /** Reconnects every panel with its cursor; `fresh` discards the cursors and the counts. */
  async reconnectAll({ fresh = false } = {}) {
    if (!fresh) return app.panels.forEach((panel) => panel.reconnect());
    app.disconnectAll();
    await readServerStats();
    totals.forEach((total) => total.restart());
    for (const panel of app.panels.values()) panel.reconnect({ fresh: true });
  },
  /** Sets other base URLs for endpoints: `{ sse: 'http://127.0.0.1:1234', … }`. They apply from the next connection. */
  setEndpoints(endpoints) { for (const [endpoint, panel] of app.panels) if (endpoints[endpoint]) panel.base = endpoints[endpoint]; },
};

// The server's counters. They are requested from the page's origin, so that they use no connection of the panels.

/** `sse.bytes_out` → what the server counted since the page was opened. */
const totals = new Map();
const COUNTED = ['bytes_out', 'bytes_in', 'keepalive_bytes'];

function total(endpoint, name, stats) {
  const key = `${endpoint}.${name}`;
  if (!totals.has(key)) totals.set(key, new Total());
  return totals.get(key).read(stats.instance, stats.endpoints[endpoint][name]);
}

async function readServerStats() {
  try {
    const stats = app.tab ? (await app.tab.state()).stats : await directStats();
    showStats(stats);
    app.events.dispatchEvent(new CustomEvent('stats', { detail: stats }));
    say('#counted', app.tab ? COUNTED_LAB : COUNTED_DIRECT);
  } catch (error) {
    say('#counted', `The server’s count of bytes is temporarily unavailable: ${error.message}`);
  }
}

const COUNTED_LAB = 'Bytes are counted at the sockets of this tab’s own server: headers, framing and payload. '
  + 'The connections of a grid count toward their endpoint too.';
const COUNTED_DIRECT = 'Bytes are counted at the server’s sockets since this page was opened, for all its clients together. '
  + 'A browser may use one connection for several endpoints; its bytes count toward the endpoint that it requested first.';

async function directStats() {
  const answer = await fetch('stats', { cache: 'no-store', signal: AbortSignal.timeout(3000) });
  if (!answer.ok) throw new Error(`/stats: status ${answer.status}`);
  return answer.json();
}

function showStats(stats) {
  if (!stats?.endpoints) return;
  for (const [endpoint, panel] of app.panels) {
    const [down, up, keepalive] = COUNTED.map((name) => total(endpoint, name, stats));
    panel.counted = { down, up };
    // Scripts cannot see comments and pings: only the server's counter shows that there were some.
    if (app.tab && ENDPOINTS[endpoint].isStream && panel.isOpen && keepalive > (panel.keptAlive ?? keepalive)) emit('keepalive', { endpoint, counted: true });
    panel.keptAlive = keepalive;
  }
}

async function watchServer() {
  for (;;) {
    await new Promise((resume) => setTimeout(resume, STATS_MS));
    await readServerStats();
  }
}

/** Collects event names from the feed's history. Only an EventSource needs them. */
async function learnTypes() {
  if (app.tab && app.tab.now?.source !== 'own') return;
  try {
    const { feed } = await directStats();
    const answer = await fetch(`.${ENDPOINTS['short-polling'].path}?after=${Math.max(feed.head - 200, feed.oldest - 1, 0)}`, { cache: 'no-store', signal: AbortSignal.timeout(3000) });
    const { updates } = await answer.json();
    for (const { type } of updates) app.types.add(type);
  } catch { /* the other endpoints provide the names later */ }
}

function emit(name, detail) {
  app.events.dispatchEvent(new CustomEvent(name, { detail }));
}

// One animation loop for everything.

/** `work_ms`: the time of this page's own code, over all frames; the rest of a late frame is the browser's. */
const frames = { count: 0, dropped: 0, longest_ms: 0, work_ms: 0 };
let lastFrame = null;

function countFrame(now) {
  if (lastFrame !== null) {
    const took = now - lastFrame;
    frames.count += 1;
    frames.longest_ms = Math.max(frames.longest_ms, took);
    frames.dropped += Math.max(Math.round(took / FRAME_MS) - 1, 0);
  }
  lastFrame = now;
}

/** When the text and the ages were last drawn. */
const drawn = { text: 0, ages: 0 };
let redraw = true;

function frame(now) {
  const began = performance.now();
  countFrame(now);
  if (now - drawn.text >= TEXT_MS) {
    drawn.text = now;
    for (const panel of app.panels.values()) panel.show(now);
    timeline.describe(now);
  }
  if (redraw || now - drawn.ages >= AGES_MS) {
    drawn.ages = now;
    const changed = fit(Math.max(...[...app.panels.values()].map((panel) => panel.largestAge)));
    for (const panel of app.panels.values()) panel.showAges(ink, redraw || changed);
    checkClocks();
  }
  timeline.draw(ink, redraw);
  redraw = false;
  frames.work_ms += performance.now() - began;
  requestAnimationFrame(frame);
}

/** The colors and fonts that the canvases take from the style sheet. */
let ink = {};

function readInk() {
  const probe = document.createElement('span');
  document.body.append(probe);
  const color = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  ink = Object.fromEntries(['ink', 'muted', 'grid', 'bad', ...Object.keys(ENDPOINTS)].map((name) => [name, color(name)]));
  const { fontSize, fontFamily } = getComputedStyle(document.body);
  probe.remove();
  ink.size = Math.round(parseFloat(fontSize) * 0.8);
  ink.font = `${ink.size}px ${fontFamily}`;
  ink.smallFont = `${Math.round(ink.size * 0.9)}px ${fontFamily}`;
  ink.gutter = Math.round(ink.size * 3.9);
  redraw = true;
}

function checkClocks() {
  const implausible = [...app.panels.values()].some((panel) => panel.implausible > 3);
  say('#clocks', implausible ? 'Ages are below zero or above a minute: the clocks of the browser and the server differ, or the updates are old. Do not rely on the percentiles of age.' : '');
}

// Setup.

function say(selector, text) {
  const place = document.querySelector(selector);
  if (place.textContent === text) return;
  place.textContent = text;
  place.hidden = text === '';
}

/** Announces states to screen readers: no countdowns, and at most one announcement per second. */
function announceStates() {
  const news = new Map();
  let timer = null;
  app.events.addEventListener('state', ({ detail: { endpoint, word, reason } }) => {
    news.set(endpoint, `${endpoint}: ${word}${reason && `, ${reason}`}`);
    timer ??= setTimeout(() => {
      document.querySelector('#announcer').textContent = [...news.values()].join('. ');
      news.clear();
      timer = null;
    }, 1000);
  });
}

function setUpButtons() {
  const act = {
    connect: () => app.connectAll(),
    disconnect: () => app.disconnectAll(),
    fresh: () => app.reconnectAll({ fresh: true }),
    projector: () => project(!document.documentElement.hasAttribute('data-projector')),
  };
  for (const button of document.querySelectorAll('[data-page]')) button.addEventListener('click', act[button.dataset.page]);
  project(new URLSearchParams(location.search).has('projector') || sessionStorage.getItem('projector') === 'yes');
}

function project(on) {
  document.documentElement.toggleAttribute('data-projector', on);
  document.querySelector('[data-page=projector]').ariaPressed = String(on);
  sessionStorage.setItem('projector', on ? 'yes' : 'no');
  readInk();
}

async function findLab() {
  try {
    app.tab = await openLab();
    app.mode = 'lab';
    say('#lab-rules', app.tab.rules);
  } catch (error) {
    app.why = error.message;
  }
}

function makePanels() {
  for (const endpoint of Object.keys(ENDPOINTS)) {
    const panel = new Panel(app, endpoint, app.tab?.endpoints[endpoint] ?? new URL('.', location).href.slice(0, -1));
    app.panels.set(endpoint, panel);
    document.querySelector('#panels').append(panel.element);
  }
}

/** Listens at every endpoint to event names that appeared at one of them. */
function shareTypes() {
  app.events.addEventListener('update', ({ detail: { type } }) => {
    if (app.types.has(type)) return;
    app.types.add(type);
    for (const panel of app.panels.values()) panel.listen(type);
  });
}

window.feedlab = {
  app,
  snapshot: () => ({
    mode: app.mode,
    endpoints: Object.fromEntries([...app.panels].map(([endpoint, panel]) => [endpoint, panel.snapshot()])),
    frames: { ...frames },
  }),
};

await findLab();
document.body.dataset.mode = app.mode;
makePanels();
const timeline = new Timeline(app, Object.keys(ENDPOINTS));
shareTypes();
announceStates();
setUpButtons();
for (const setUp of [setUpControls, setUpPresets, setUpLessons, setUpMeter]) setUp(app);
await learnTypes();
await readServerStats();
app.connectAll();
watchServer();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', readInk);
new ResizeObserver(() => { redraw = true; }).observe(document.querySelector('#panels'));
document.addEventListener('visibilitychange', () => { lastFrame = null; });
requestAnimationFrame(frame);
document.body.dataset.ready = 'true';
