// The meter: how many of the browser's connections are in use, by which tabs, and what to do when none is left.
//
// A browser opens at most six HTTP/1.1 connections to an origin, over all its tabs. RFC 9112, section 9.4, leaves the
// number to the client; Chromium, Firefox and Safari chose six. No API reports how many are in use, so each tab counts
// what it has requested, and the tabs exchange their counts.

import { element, show } from './dom.js';

/** The most HTTP/1.1 connections that a browser opens to one origin. */
const LIMIT = 6;
/** WebSockets have a separate pool: 255 in Chromium. */
const WEBSOCKETS = 255;
const ASK_EVERY_MS = 2000;
/** A tab that has not answered for this long counts as closed. */
const EXPIRES_MS = 7000;

/** The connections of this page other than those of its panels: origin → {http, ws, h2}. */
const extras = new Map();

/** Counts a connection of a kind: "http", "ws" or "h2". Returns a function that uncounts it. */
export function countConnection(url, kind) {
  const { origin } = new URL(url.replace(/^ws/, 'http'), location.href);
  add(extras, origin, kind, 1);
  let isCounted = true;
  return () => {
    if (isCounted) add(extras, origin, kind, -1);
    isCounted = false;
  };
}

function add(counts, origin, kind, count) {
  const line = counts.get(origin) ?? { http: 0, ws: 0, h2: 0 };
  line[kind] += count;
  counts.set(origin, line);
}

/** Fills `#meter`, and sets `app.isStarved`, which tells the panels whether their origin is full. */
export const setUpMeter = (app) => new Meter(app, document.querySelector('#meter'));

class Meter {
  constructor(app, place) {
    this.app = app;
    /** The connections of other tabs: id → {opened, counts, heard}. */
    this.others = new Map();
    this.me = { id: crypto.randomUUID(), opened: new Date().toLocaleTimeString() };
    this.#build(place);
    this.#listen();
    this.#joinChannel();
    app.isStarved = (url) => this.total(new URL(url, location.href).origin) > LIMIT;
    setInterval(() => this.#refresh(), ASK_EVERY_MS);
    this.#refresh();
  }

  /** The HTTP/1.1 connections to an origin, over all tabs. */
  total(origin) {
    return [this.#mine(), ...[...this.others.values()].map(({ counts }) => counts)]
      .reduce((sum, counts) => sum + (counts.get(origin)?.http ?? 0), 0);
  }

  /** This tab's connections, by origin. A stream between two attempts has none. */
  #mine() {
    const counts = new Map([...extras].map(([origin, line]) => [origin, { ...line }]));
    for (const [endpoint, panel] of this.app.panels) {
      const origin = new URL(panel.base).origin;
      const state = panel.state ?? '';
      const live = state !== '' && !state.startsWith('closed') && !state.includes('retry');
      if (endpoint === 'websocket') add(counts, origin, 'ws', live ? 1 : 0);
      else add(counts, origin, 'http', live && (endpoint === 'sse' || panel.handle?.pendingSince != null) ? 1 : 0);
    }
    return counts;
  }

  #listen() {
    const soon = () => {
      this.soon ??= setTimeout(() => {
        this.soon = undefined;
        this.#draw();
      }, 250);
    };
    for (const type of ['state', 'requeststart', 'request']) this.app.events.addEventListener(type, soon);
  }

  // A hidden tab's timers hardly run, but it does answer: so the visible tab asks, and all answer.

  #joinChannel() {
    this.channel = new BroadcastChannel('feedlab-connections');
    this.channel.onmessage = ({ data }) => {
      if (data.kind === 'bye') this.others.delete(data.id);
      else this.others.set(data.id, { opened: data.opened, counts: new Map(data.counts), heard: Date.now() });
      if (data.kind === 'ask') this.#post('answer');
      this.#draw();
    };
    this.#post('ask');
    addEventListener('pagehide', () => this.#post('bye'));
  }

  #post(kind) {
    this.channel.postMessage({ kind, ...this.me, counts: [...this.#mine()] });
  }

  #refresh() {
    for (const [id, { heard }] of this.others) if (Date.now() - heard > EXPIRES_MS) this.others.delete(id);
    this.#post('ask');
    this.#draw();
  }

  // Display.

  #build(place) {
    const label = element('label', { htmlFor: 'connections' }, 'Connections, busiest origin ');
    this.gauge = element('meter', { id: 'connections', min: 0, max: LIMIT, low: 3, high: 4, optimum: 0 });
    this.figure = element('strong', { className: 'meter-figure' });
    this.summary = element('summary', {}, 'open in which tabs');
    this.list = element('ul', {});
    const details = element('details', {}, this.summary, this.list);
    place.replaceChildren(label, this.gauge, this.figure, details);
  }

  #draw() {
    const others = [...this.others.values()].map(({ opened, counts }) => ({ name: `the tab opened at ${opened}`, counts }));
    const tabs = [{ name: 'this tab', counts: this.#mine() }, ...others];
    const origins = [...new Set(tabs.flatMap(({ counts }) => [...counts.keys()]))]
      .map((origin) => line(origin, tabs)).filter(({ http, ws, h2 }) => http + ws + h2 > 0)
      .sort((a, b) => b.http - a.http);
    const busiest = origins[0]?.http ?? 0;
    const text = `${Math.min(busiest, LIMIT)} of ${LIMIT}${busiest > LIMIT ? ` + ${busiest - LIMIT}` : ''}`;
    this.figure.textContent = text;
    this.gauge.value = Math.min(busiest, LIMIT);
    this.summary.textContent = summary(tabs.length, this.app.mode);
    this.list.replaceChildren(...origins.map((origin) => element('li', {}, words(origin))));
    this.#warn(origins.filter((origin) => origin.http >= LIMIT));
  }

  #warn(full) {
    const text = full.map(({ origin, http, who }) => `All ${LIMIT} connections of this browser to ${host(origin)} over HTTP/1.1 are in use`
      + `${http > LIMIT ? `, and ${http - LIMIT} more ${http - LIMIT === 1 ? 'request waits' : 'requests wait'}` : ''}: ${who.join(', ')}. `
      + `Further requests to it wait, without an error${origin === location.origin ? ', this page’s own too' : ''}. `
      + 'To free some, close a tab or disconnect a panel; to avoid the limit, use WebSocket (a separate pool) or HTTP/2.').join(' ');
    show('#banner', text);
  }
}

/** One origin's connections over all tabs, and how many each tab has. */
function line(origin, tabs) {
  const sum = { origin, http: 0, ws: 0, h2: 0, who: [] };
  for (const { name, counts } of tabs) {
    const { http = 0, ws = 0, h2 = 0 } = counts.get(origin) ?? {};
    sum.http += http;
    sum.ws += ws;
    sum.h2 += h2;
    if (http > 0) sum.who.push(`${http} by ${name}`);
  }
  return sum;
}

function words({ origin, http, ws, h2, who }) {
  const parts = [];
  if (http) parts.push(`${Math.min(http, LIMIT)} of ${LIMIT} over HTTP/1.1 (${who.join(', ')})`);
  if (h2) parts.push(`${h2} streams over one HTTP/2 connection`);
  if (ws) parts.push(`${ws} of ${WEBSOCKETS} WebSockets`);
  return `${host(origin)}: ${parts.join('; ')}`;
}

function summary(tabs, mode) {
  const open = tabs === 1 ? 'only this tab' : `${tabs} tabs`;
  return mode === 'lab' ? `${open}; each panel has its own origin` : `${open}, all on one origin: a third tab fills it`;
}

const host = (origin) => new URL(origin).host;
