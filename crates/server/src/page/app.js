// The page: makes `app`, four panels and one animation frame, and hands `app` to the parts around it.

import { ENDPOINTS } from './feed-client.js';
import { openLab } from './lab.js';
import { setUpControls } from './controls.js';
import { setUpPresets } from './presets.js';
import { setUpLessons } from './lessons.js';
import { setUpMeter } from './meter.js';
import { Panel } from './panel.js';
import { Timeline } from './timeline.js';
import { Total } from './stats.js';
import { fit } from './sparkline.js';

const TEXT_MS = 100;   // between two writings of the figures
const AGES_MS = 250;   // between two drawings of the sparklines
const STATS_MS = 500;  // between two questions for the server's count
const FRAME_MS = 1000 / 60;

const app = {
  /** 'lab': a server of this tab's own, behind lab proxies. 'direct': the endpoints of the page's own origin. */
  mode: 'direct',
  /** Why there is no lab, a sentence; null when there is one. */
  why: null,
  /** The tab's lab, as `openLab()` gave it; null in direct mode. */
  tab: null,
  /** endpoint → Panel */
  panels: new Map(),
  /** What this page decides: how often it polls, how long a long poll is held. */
  client: { interval_ms: 1000, hold_ms: 25000 },
  /** Names of events that the feed is known to have: an EventSource hears only those that it asks for. */
  types: new Set(['message', 'tick', 'load', 'earthquake', 'explosion', 'quarry-blast']),
  /**
   * What happens at the endpoints, `detail.endpoint` being which: 'state' 'update' 'gap' 'reset' 'duplicate' 'requeststart' 'request'
   * 'keepalive'. And 'stats', whose detail is the server's answer.
   */
  events: new EventTarget(),
  /** Whether every connection that the browser allows to this origin is in use; the meter may replace it. */
  isStarved: (_origin) => false,
  connectAll() { for (const panel of app.panels.values()) panel.connect(); },
  disconnectAll() { for (const panel of app.panels.values()) panel.disconnect(); },
  /** Connects again, each panel with its cursor; `fresh` forgets it, and the counts with it. */
  async reconnectAll({ fresh = false } = {}) {
    if (!fresh) return app.panels.forEach((panel) => panel.reconnect());
    app.disconnectAll();
    await askServer();
    totals.forEach((total) => total.begin());
    for (const panel of app.panels.values()) panel.reconnect({ fresh: true });
  },
  /** Other addresses for the endpoints: `{ sse: 'http://127.0.0.1:1234', … }`. They hold from the next connection on. */
  setEndpoints(endpoints) { for (const [endpoint, panel] of app.panels) if (endpoints[endpoint]) panel.base = endpoints[endpoint]; },
};

// The server's own count: asked on the page's origin: it takes no connection from what is shown.

/** `sse.bytes_out` → what the server counted since the page began. */
const totals = new Map();
const COUNTED = ['bytes_out', 'bytes_in', 'keepalive_bytes'];

function total(endpoint, name, stats) {
  const key = `${endpoint}.${name}`;
  if (!totals.has(key)) totals.set(key, new Total());
  return totals.get(key).read(stats.life, stats.endpoints[endpoint][name]);
}

async function askServer() {
  try {
    const stats = app.tab ? (await app.tab.state()).stats : await directStats();
    take(stats);
    app.events.dispatchEvent(new CustomEvent('stats', { detail: stats }));
    say('#counted', app.tab ? COUNTED_LAB : COUNTED_DIRECT);
  } catch (error) {
    say('#counted', `The server’s count of bytes cannot be had just now: ${error.message}`);
  }
}

const COUNTED_LAB = 'Bytes are those that passed the sockets of this tab’s own server, as it counted them: headers, framing, payload; '
  + 'the connections of a grid count for their endpoint too.';
const COUNTED_DIRECT = 'Bytes are those that passed the server’s sockets since this page was opened, of all its clients together. '
  + 'A browser may use one connection for several endpoints; its bytes are counted for the endpoint that it first came for.';

async function directStats() {
  const answer = await fetch('stats', { cache: 'no-store', signal: AbortSignal.timeout(3000) });
  if (!answer.ok) throw new Error(`/stats answered ${answer.status}`);
  return answer.json();
}

function take(stats) {
  if (!stats?.endpoints) return;
  for (const [endpoint, panel] of app.panels) {
    const [down, up, keepalive] = COUNTED.map((name) => total(endpoint, name, stats));
    panel.counted = { down, up };
    // Comments and pings are not shown to scripts: that there were some shows in the server's count alone.
    if (app.tab && ENDPOINTS[endpoint].isStream && panel.isOpen && keepalive > (panel.keptAlive ?? keepalive)) tell('keepalive', { endpoint, counted: true });
    panel.keptAlive = keepalive;
  }
}

async function watchServer() {
  for (;;) {
    await new Promise((resume) => setTimeout(resume, STATS_MS));
    await askServer();
  }
}

/** Looks into the feed's history for names of events. Nobody but an EventSource needs them. */
async function learnTypes() {
  if (app.tab && app.tab.now?.source !== 'own') return;
  try {
    const { feed } = await directStats();
    const answer = await fetch(`.${ENDPOINTS['short-polling'].path}?after=${Math.max(feed.head - 200, feed.oldest - 1, 0)}`, { cache: 'no-store', signal: AbortSignal.timeout(3000) });
    const { updates } = await answer.json();
    for (const { type } of updates) app.types.add(type);
  } catch { /* then they are learned from the other endpoints */ }
}

function tell(name, detail) {
  app.events.dispatchEvent(new CustomEvent(name, { detail }));
}

// One animation frame for everything.

/** `work_ms`: what this page's own part of all frames took; the rest of a late frame is the browser's and the machine's. */
const frames = { count: 0, dropped: 0, longest_ms: 0, work_ms: 0 };
let last = null;

function note(now) {
  if (last !== null) {
    const took = now - last;
    frames.count += 1;
    frames.longest_ms = Math.max(frames.longest_ms, took);
    frames.dropped += Math.max(Math.round(took / FRAME_MS) - 1, 0);
  }
  last = now;
}

/** What is due, and when it was last done. */
const due = { text: 0, ages: 0 };
let redraw = true;

function frame(now) {
  const began = performance.now();
  note(now);
  if (now - due.text >= TEXT_MS) {
    due.text = now;
    for (const panel of app.panels.values()) panel.show(now);
    timeline.describe(now);
  }
  if (redraw || now - due.ages >= AGES_MS) {
    due.ages = now;
    const changed = fit(Math.max(...[...app.panels.values()].map((panel) => panel.largestAge)));
    for (const panel of app.panels.values()) panel.showAges(ink, redraw || changed);
    checkClocks();
  }
  timeline.draw(ink, redraw);
  redraw = false;
  frames.work_ms += performance.now() - began;
  requestAnimationFrame(frame);
}

/** The colours that the canvases take from the style sheet. */
let ink = {};

function readInk() {
  const probe = document.createElement('span');
  document.body.append(probe);
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  ink = Object.fromEntries(['ink', 'muted', 'grid', 'bad', ...Object.keys(ENDPOINTS)].map((name) => [name, colour(name)]));
  const { fontSize, fontFamily } = getComputedStyle(document.body);
  probe.remove();
  ink.size = Math.round(parseFloat(fontSize) * 0.8);
  ink.font = `${ink.size}px ${fontFamily}`;
  ink.smallFont = `${Math.round(ink.size * 0.9)}px ${fontFamily}`;
  ink.gutter = Math.round(ink.size * 3.9);
  redraw = true;
}

function checkClocks() {
  const strange = [...app.panels.values()].some((panel) => panel.strange > 3);
  say('#clocks', strange ? 'Ages below zero or above a minute: the clocks of this browser and of the server differ, or what arrives is old. Percentiles of age mean nothing then.' : '');
}

// Around it.

function say(where, text) {
  const place = document.querySelector(where);
  if (place.textContent === text) return;
  place.textContent = text;
  place.hidden = text === '';
}

/** Tells a screen reader of states, not of each tenth of a second, and not of more than one change a second. */
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

/** A name of an event that one endpoint told is asked for at the others. */
function shareTypes() {
  app.events.addEventListener('update', ({ detail: { type } }) => {
    if (app.types.has(type)) return;
    app.types.add(type);
    for (const panel of app.panels.values()) panel.handle?.listen(type);
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
await askServer();
app.connectAll();
watchServer();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', readInk);
new ResizeObserver(() => { redraw = true; }).observe(document.querySelector('#panels'));
document.addEventListener('visibilitychange', () => { last = null; });
requestAnimationFrame(frame);
document.body.dataset.ready = 'true';
