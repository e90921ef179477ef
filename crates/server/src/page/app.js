// The page: creates `app`, the four panels and one animation loop, and passes `app` to the other parts.

import { ENDPOINTS } from './endpoints.js';
import { show } from './dom.js';
import { openLab } from './lab.js';
import { setUpControls } from './controls.js';
import { setUpPresets } from './presets.js';
import { setUpLessons } from './lessons.js';
import { setUpMeter } from './meter.js';
import { Panel } from './panel.js';
import { Timeline } from './timeline.js';
import { Server, readStats } from './server.js';
import { fit } from './sparkline.js';

const TEXT_MS = 100;   // between two updates of the figures
const AGES_MS = 250;   // between two redraws of the sparklines
const FRAME_MS = 1000 / 60;

const app = {
  /** 'lab': this tab has its own server. 'direct': the panels use the page's own origin. */
  mode: 'direct',
  /** Why there is no lab, as a sentence; null if there is one. */
  why: null,
  /** The tab's lab; null in direct mode. */
  tab: null,
  /** endpoint → Panel */
  panels: new Map(),
  /** The settings of the clients in this page. */
  client: { interval_ms: 1000, hold_ms: 25000 },
  /** The event names known so far: an EventSource receives only those that it listens to. */
  types: new Set(['message', 'tick', 'load', 'earthquake', 'explosion', 'quarry-blast']),
  /**
   * Events of the endpoints, named in `detail.endpoint`: 'state' 'update' 'gap' 'reset' 'duplicate' 'requeststart'
   * 'request' 'keepalive'. Also 'preset' and 'stopall', which ends lessons.
   */
  events: new EventTarget(),
  emit(name, detail) { app.events.dispatchEvent(new CustomEvent(name, { detail })); },
  /** Whether all connections to an origin are in use; the meter replaces it. */
  isStarved: (_origin) => false,
  connectAll() { for (const panel of app.panels.values()) panel.connect(); },
  disconnectAll() { for (const panel of app.panels.values()) panel.disconnect(); },
  /** Reconnects every panel with its cursor; `fresh` discards the cursors and the counts. */
  async reconnectAll({ fresh = false } = {}) {
    if (!fresh) return app.panels.forEach((panel) => panel.reconnect());
    app.disconnectAll();
    await app.server.read();
    app.server.restart();
    for (const panel of app.panels.values()) panel.reconnect({ fresh: true });
  },
  /** Sets other base URLs: `{ sse: 'http://127.0.0.1:1234', … }`. They apply from the next connection. */
  setEndpoints(endpoints) { for (const [endpoint, panel] of app.panels) if (endpoints[endpoint]) panel.base = endpoints[endpoint]; },
};

/** Collects event names from the feed's history. Only an EventSource needs them. */
async function learnTypes() {
  if (app.tab && app.tab.now?.source !== 'own') return;
  try {
    const { feed } = await readStats();
    const answer = await fetch(`.${ENDPOINTS['short-polling'].path}?after=${Math.max(feed.head - 200, feed.oldest - 1, 0)}`, { cache: 'no-store', signal: AbortSignal.timeout(3000) });
    const { updates } = await answer.json();
    for (const { type } of updates) app.types.add(type);
  } catch { /* the other endpoints provide the names later */ }
}

// One animation loop for everything.

const frames = { count: 0, dropped: 0, longest_ms: 0 };
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
  show('#clocks', implausible ? 'Ages are below zero or above a minute: the two clocks differ, or the updates are old. Do not rely on the ages.' : '');
}

// Setup.

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
    show('#lab-rules', app.tab.rules);
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
app.server = new Server(app);
makePanels();
const timeline = new Timeline(app);
shareTypes();
announceStates();
setUpButtons();
for (const setUp of [setUpControls, setUpPresets, setUpLessons, setUpMeter]) setUp(app);
await learnTypes();
await app.server.read();
app.connectAll();
app.server.watch();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', readInk);
new ResizeObserver(() => { redraw = true; }).observe(document.querySelector('#panels'));
document.addEventListener('visibilitychange', () => { lastFrame = null; });
requestAnimationFrame(frame);
document.body.dataset.ready = 'true';
