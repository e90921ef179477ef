// Seven EventSources and a fetch to one origin over HTTP/1.1, the same over HTTP/2, and seven WebSockets. Over HTTP/1.1
// the seventh EventSource and the fetch wait, and nothing reports it: no event, no error.

import { button, element } from './dom.js';
import { ENDPOINTS } from './endpoints.js';
import { countConnection } from './meter.js';

const STREAMS = 7;
/** A request without a response for this long counts as waiting, ms. */
const WAITS_AFTER_MS = 2000;

const ROWS = {
  http1: 'HTTP/1.1: one connection each, at most six',
  http2: 'HTTP/2: streams over one connection',
  websocket: 'WebSocket: a separate pool',
};

class Cell {
  constructor(name, number) {
    this.word = element('span', { className: 'word' }, 'closed');
    this.place = element('li', {}, element('span', { className: 'cell-name' }, name), this.word);
    this.place.dataset.cell = number;
    this.show('closed');
  }

  show(word) {
    this.word.textContent = word;
    this.place.dataset.word = word.split(' ')[0];
  }

  /** Opens the connection: `open(url)` returns a function that closes it; the meter counts it as `kind`. */
  start(url, kind, open) {
    this.stop();
    const release = countConnection(url, kind);
    this.show('connecting');
    this.timer = setTimeout(() => this.show('waiting'), WAITS_AFTER_MS);
    const close = open(url, (word) => {
      clearTimeout(this.timer);
      this.show(word);
    }, release);
    this.close = () => (clearTimeout(this.timer), release(), close());
  }

  stop() {
    this.close?.();
    this.close = undefined;
    this.show('closed');
  }
}

const openStream = (url, report) => {
  const source = new EventSource(url);
  source.onopen = () => report('open');
  source.onerror = () => source.readyState === EventSource.CLOSED && report('closed — gave up');
  return () => source.close();
};

const openFetch = (url, report, release) => {
  const abort = new AbortController();
  fetch(url, { signal: abort.signal, cache: 'no-store' })
    .then((answer) => answer.text()).then(() => report('open'))
    .catch(() => abort.signal.aborted || report('failed')).finally(release);
  return () => abort.abort();
};

const openSocket = (url, report) => {
  const socket = new WebSocket(url.replace(/^http/, 'ws'));
  socket.onopen = () => report('open');
  socket.onclose = () => report('closed');
  return () => (socket.onclose = null, socket.close());
};

/** Shows the grid; resolves with how many connections of each row are open, and whether the certificate is accepted. */
export const openGrid = (app) => new Grid(app, document.querySelector('#grid')).start();

class Grid {
  constructor(app, place) {
    Object.assign(this, { app, place });
    this.rows = Object.fromEntries(Object.keys(ROWS).map((name) => [name, cells(name)]));
    this.#build();
    app.events.addEventListener('stopall', () => this.stop(), { once: true });
  }

  #build() {
    const title = element('h2', { id: 'grid-title' }, 'Six connections');
    const lists = Object.entries(ROWS).map(([name, label]) => {
      const list = element('ul', {}, ...this.rows[name].map(({ place }) => place));
      list.ariaLabel = label;
      const row = element('div', { className: 'grid-row' }, element('h3', {}, label), list);
      row.dataset.row = name;
      return row;
    });
    this.help = element('p', { className: 'grid-help', hidden: true });
    lists[1].append(this.help);
    const one = button('Close one EventSource over HTTP/1.1', () => this.#closeOne());
    const stop = button('Stop all', () => this.stop());
    this.place.setAttribute('aria-labelledby', title.id);
    this.place.replaceChildren(title, ...lists, element('p', { className: 'preset-row' }, one, stop));
    this.place.hidden = false;
  }

  async start() {
    const { shared, secure } = this.app.tab;
    const filled = fill(this.rows.http1, shared, 'http');
    this.rows.websocket.forEach((cell) => cell.start(`${shared}${ENDPOINTS.websocket.path}`, 'ws', openSocket));
    const accepted = await this.#overHttp2(secure);
    await filled;
    await pause(WAITS_AFTER_MS + 300);
    const open = (row) => this.rows[row].filter(({ place }) => place.dataset.word === 'open').length;
    return { http1: open('http1'), http2: open('http2'), websocket: open('websocket'), accepted };
  }

  /** Browsers use HTTP/2 only over TLS, and this lab's certificate is self-signed: the user has to accept it once. */
  async #overHttp2(secure) {
    this.help.hidden = true;
    const accepted = await fetch(`${secure}/healthz`, { mode: 'no-cors', cache: 'no-store' }).then(() => true, () => false);
    if (accepted) {
      await fill(this.rows.http2, secure, 'h2');
      return true;
    }
    for (const cell of this.rows.http2) cell.show('failed — accept the certificate');
    const link = element('a', { href: `${secure}/healthz`, target: '_blank' }, 'open it in a new tab');
    const again = button('Try again', () => this.#overHttp2(secure));
    this.help.replaceChildren('The browser does not trust the lab’s own certificate: ', link, ', accept it there, and come back. ', again);
    this.help.hidden = false;
    return false;
  }

  #closeOne() {
    this.rows.http1.find(({ place }) => place.dataset.word === 'open' && place.dataset.cell !== 'fetch')?.stop();
  }

  stop() {
    for (const row of Object.values(this.rows)) row.forEach((cell) => cell.stop());
    this.place.hidden = true;
  }
}

function cells(row) {
  const name = row === 'websocket' ? 'WebSocket' : 'EventSource';
  const streams = Array.from({ length: STREAMS }, (_, index) => new Cell(`${name} ${index + 1}`, index + 1));
  return row === 'websocket' ? streams : [...streams, new Cell('fetch', 'fetch')];
}

/** Opens the streams, and the fetch a second later: otherwise Chromium would give it a connection before any stream. */
async function fill(row, origin, kind) {
  const [fetched, ...streams] = [row.at(-1), ...row.slice(0, -1)];
  streams.forEach((cell) => cell.start(`${origin}${ENDPOINTS.sse.path}`, kind, openStream));
  await pause(1000);
  if (streams.some(({ close }) => close)) fetched.start(`${origin}${ENDPOINTS['short-polling'].path}`, kind, openFetch);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Occupies all six connections to the lab's shared origin, and moves the panels there; resolves with the undoing. */
export async function holdSix(app) {
  const { shared, endpoints } = app.tab;
  const cells = Array.from({ length: 6 }, (_, index) => new Cell('EventSource', index + 1));
  cells.forEach((cell) => cell.start(`${shared}${ENDPOINTS.sse.path}`, 'http', openStream));
  await pause(1000);
  const move = (to) => {
    app.setEndpoints(to);
    app.reconnectAll({ fresh: false });
  };
  move(Object.fromEntries(Object.keys(endpoints).map((endpoint) => [endpoint, shared])));
  const free = () => {
    if (!cells.some(({ close }) => close)) return;
    cells.forEach((cell) => cell.stop());
    move(endpoints);
  };
  app.events.addEventListener('stopall', free, { once: true });
  return free;
}
