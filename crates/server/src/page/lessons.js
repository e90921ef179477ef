// The lab's buttons. Each is a lesson: it sets the conditions, makes something happen, watches, and reports what it saw,
// with the standard that explains it.

import { button, element, say } from './dom.js';
import { ENDPOINTS } from './endpoints.js';
import { openGrid } from './grid.js';
import * as watching from './observe.js';
import { cutAndAnswer, stopAll } from './presets.js';

const HTML = 'WHATWG HTML, section 9.2';

/** Ten evenly spaced updates per second, unless a lesson says otherwise, whatever `feedlab serve` publishes. */
const FEED = { source: 'synthetic', schedule: 'constant', updates_per_s: 10, payload_bytes: 100 };

/** The lessons, in the order of their buttons. `run` returns the final sentences. */
const LESSONS = {
  'idle-timeout': { title: 'Idle timeout', about: 'A proxy closes what is silent for 2 s; the feed has an update every 5 s.', run: idleTimeout },
  buffering: { title: 'Buffering', about: 'A proxy forwards nothing until it has collected 4 KiB.', run: buffering },
  'cut-all': { title: 'Cut all', about: 'All connections are cut, as when a laptop changes networks.', run: cutAll },
  'answer-503': { title: 'Answer 503', about: 'Cuts all; for 3 s, new requests get a 503.', run: answer503 },
  'answer-204': { title: 'Answer 204', about: 'Cuts all; for 3 s, new requests get a 204, “No Content”.', run: answer204 },
  restart: { title: 'Restart the server', about: 'The server is down for a second, then continues the same feed.', run: restart },
  replay: { title: 'Replay', about: 'SSE is away for 4 s, and gets what it missed, with a history and without one.', run: replay },
  'slow-consumer': { title: 'Slow consumer', about: 'A client reads 20 kB/s of 160 kB/s, under each of the three policies.', run: slowConsumer },
  'hidden-tab': { title: 'Hidden tab', about: 'Look at another tab for 10 s: what do timers and streams do meanwhile?', run: hiddenTab, everywhere: true },
  'six-connections': { title: 'Six connections', about: 'Seven EventSources and a fetch to one origin, over HTTP/1.1 and HTTP/2.', run: sixConnections },
  heal: { title: 'Heal', about: 'Ends all of this: no faults, no grid, the initial conditions.', run: heal },
};

/** Fills `#lab-buttons`. */
export function setUpLessons(app) {
  const detail = element('div', { id: 'lesson-detail', hidden: true, tabIndex: 0, role: 'group', ariaLabel: 'What the lesson saw' });
  document.querySelector('#lesson').before(detail);
  const runner = new Runner(app);
  const cards = Object.entries(LESSONS).map(([name, lesson]) => card(app, runner, name, lesson));
  document.querySelector('#lab-buttons').append(element('ul', { className: 'lessons' }, ...cards));
  app.events.addEventListener('stopall', () => runner.stop());
}

function card(app, runner, name, { title, about, run, everywhere }) {
  const start = button(title, () => runner.start(start, run));
  const text = element('p', { id: `about-${name}` }, about);
  start.dataset.lab = name;
  start.setAttribute('aria-describedby', text.id);
  if (!app.tab && !everywhere) Object.assign(start, { disabled: true, title: app.why ?? '' });
  return element('li', {}, start, text);
}

/** Runs one lesson at a time. */
class Runner {
  constructor(app) {
    this.app = app;
  }

  stop() {
    this.abort?.abort(new Error('another lesson was started'));
  }

  async start(button, run) {
    await stopAll(this.app).catch(() => {});
    this.stop(); // a lesson that was started meanwhile
    const { signal } = (this.abort = new AbortController());
    button.ariaBusy = 'true';
    button.dataset.running = '';
    try {
      const outcome = await run(tools(this.app, signal));
      if (!signal.aborted) say(...[outcome].flat());
    } catch (error) {
      if (!signal.aborted) say(`The lesson failed: ${error.message}`);
    } finally {
      button.ariaBusy = 'false';
      delete button.dataset.running;
    }
  }
}

function tools(app, signal) {
  const allOpen = () => [...app.panels.values()].every(({ state }) => state === 'open');
  const wait = (ms) => watching.wait(ms, signal);
  const until = (condition, ms) => watching.until(condition, ms, signal);
  const observe = () => {
    const seen = watching.observe(app);
    signal.addEventListener('abort', seen.stop, { once: true });
    return seen;
  };
  return {
    app, signal, tab: app.tab, wait, until, observe,
    /** Sets the conditions (those not named, to their defaults), and waits until every endpoint is open. */
    async setUp(values) {
      signal.throwIfAborted();
      await app.controls.apply(values, { preset: null, reset: true, fresh: true });
      await until(allOpen, 4000);
    },
    set: (values) => app.controls.apply(values),
    /** Shows `text`, and watches the endpoints for `ms`. */
    async watch(ms, text) {
      const { endpoints, stop } = observe();
      say(`${text} Watching for ${Math.round(ms / 1000)} s …`);
      await wait(ms).finally(stop);
      return endpoints;
    },
  };
}

/** Lists a figure per endpoint, as in “SSE 2, WebSocket 3”. */
function each(endpoints, figure, names = Object.keys(endpoints)) {
  return names.map((endpoint) => `${ENDPOINTS[endpoint].label} ${figure(endpoints[endpoint])}`).join(', ');
}

const times = (count) => (count === 1 ? 'once' : count === 0 ? 'never' : `${count} times`);
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const updates = (count) => `${count} update${count === 1 ? '' : 's'}`;
const lostOf = (endpoints) => Object.values(endpoints).reduce((sum, { lost }) => sum + lost, 0);

// Faults of the network path.

async function idleTimeout({ setUp, set, watch }) {
  await setUp({ ...FEED, updates_per_s: 0.2, idle_timeout_ms: 2000, keepalive_ms: 15000 });
  const before = await watch(12_000, 'A proxy closes what is silent for 2 s; a keepalive comes every 15 s.');
  await set({ keepalive_ms: 1000 });
  const after = await watch(8000, `Connections lost: ${each(before, (d) => times(d.breaks))}. Now a keepalive every second.`);
  return `Keepalive 15 s, idle timeout 2 s: connections lost in 12 s: ${each(before, (d) => times(d.breaks))}; ${updates(lostOf(before))} lost: each client reconnected with its cursor. `
    + `Keepalive 1 s: ${each(after, (d) => times(d.breaks))}. A comment or a ping keeps a stream open; a held poll sends none, so hold it for less than the timeout. (${HTML}.7: a comment every 15 s or so.)`;
}

async function buffering({ setUp, set, watch }) {
  await setUp(FEED);
  await set({ buffer_bytes: 4096 });
  const held = await watch(12_000, 'A proxy holds everything back until it has collected 4 KiB.');
  const [polls, streams] = [false, true].map((isStream) => Object.keys(ENDPOINTS).filter((endpoint) => ENDPOINTS[endpoint].isStream === isStream));
  return `In 12 s, largest burst and oldest update: ${each(held, (d) => `${d.burst} at once, ${seconds(d.oldestMs)} old`, streams)}. Errors: ${each(held, (d) => times(d.breaks), streams)}. `
    + `A stream behind a buffer looks healthy but is late. The polls brought ${each(held, (d) => updates(d.updates), polls)}: a response is forwarded when it ends. `
    + '(nginx buffers a response unless it has “X-Accel-Buffering: no”, as feedlab’s SSE does; a WebSocket it forwards at once.)';
}

// Broken connections.

/** Runs `action`, which breaks something, and watches until every endpoint has reconnected or given up. */
async function watchBreak({ setUp, observe, until, wait }, action, text) {
  await setUp(FEED);
  const { endpoints, stop } = observe();
  const { hit } = await action();
  say(text);
  const { sse, websocket } = endpoints;
  const allBack = () => Object.values(endpoints).every(({ isAway, gaveUp }) => gaveUp || !isAway);
  await until(() => sse.breaks > 0 && websocket.breaks > 0 && allBack(), 20_000);
  await wait(1500);
  stop();
  return { hit, outcome: `Time disconnected: ${each(endpoints, away)}. Lost by the clients that reconnected: ${updates(lostOf(endpoints))}.` };
}

const away = (endpoint) => (endpoint.gaveUp ? 'permanently' : endpoint.isAway ? `still, after ${seconds(endpoint.awayMs)}` : endpoint.breaks === 0 ? 'not noticed' : seconds(endpoint.awayMs));

async function cutAll(lesson) {
  const { hit, outcome } = await watchBreak(lesson, () => lesson.tab.fault('all', 'cut'), 'All connections were cut.');
  return `${hit} connections were cut. ${outcome} Every client reconnected with its cursor, so nothing is missing: EventSource by itself, WebSocket by this page’s code. `
    + `A poll may notice nothing: the browser repeats a GET whose kept-alive connection ended. (${HTML}.3: “reestablish the connection”; RFC 9112, section 9.3.1.)`;
}

async function answer503(lesson) {
  return `${await refusing(lesson, '503')} An EventSource that gets anything except a 200 with text/event-stream gives up permanently, whatever Retry-After says. Press Reconnect on its panel: a page has to do the same in its code. (${HTML}.3: “fail the connection”.)`;
}

async function answer204(lesson) {
  return `${await refusing(lesson, '204')} With a 204 a server tells an EventSource not to reconnect; to a poll it only says that there is nothing new. (${HTML}.1.)`;
}

async function refusing(lesson, status) {
  const action = () => cutAndAnswer(lesson.app, `status-${status}`, 3000);
  const { outcome } = await watchBreak(lesson, action, `All connections were cut; for the next 3 s, new requests get a ${status}.`);
  const states = [...lesson.app.panels].map(([endpoint, { state }]) => `${ENDPOINTS[endpoint].label} is “${state}”`).join(', ');
  return `The server is healthy again: ${states}. ${outcome}`;
}

async function restart(lesson) {
  const { outcome } = await watchBreak(lesson, () => lesson.tab.restart(1000).then((answer) => answer ?? {}), 'The server is down for a second.');
  return `${outcome} The server shut down gracefully: it sent the WebSocket close code 1001, and on the event stream a “retry:” of one to three times the usual, so that clients do not all return at once. (RFC 6455, section 7.4.1; ${HTML}.6.)`;
}

async function replay(lesson) {
  await lesson.setUp({ ...FEED, retry_ms: 1000 });
  const kept = await sseAway(lesson, 'The server keeps 1,000 updates.');
  await lesson.setUp({ ...FEED, retry_ms: 1000, history: 0 });
  const discarded = await sseAway(lesson, 'Now the same with a history of 0.');
  return [`With a history: the browser sent Last-Event-ID: ${kept.cursor} → ${updates(kept.replayed)} replayed, ${kept.lost} missed. `
    + `With history 0: Last-Event-ID: ${discarded.cursor} → ${discarded.replayed} replayed, ${discarded.lost} missed, and reported as a gap. `
    + `Reconnecting is the browser’s job; keeping something to replay is the server’s. (${HTML}.4.)`,
  strip('With a history', kept), strip('History 0', discarded)];
}

/** Keeps SSE disconnected for 4 s. */
async function sseAway({ app, tab, observe, until, wait }, text) {
  await wait(1500);
  const { endpoints, stop } = observe();
  await tab.fault('sse', 'refuse', 4000);
  await tab.fault('sse', 'cut');
  await until(() => endpoints.sse.breaks > 0, 3000);
  const cursor = app.panels.get('sse').seq;
  say(`${text} SSE was cut after update ${cursor}; new connections are refused for 4 s.`);
  await until(() => endpoints.sse.returns > 0, 15_000);
  await wait(1000);
  stop();
  const { sinceReturn, lost } = endpoints.sse;
  return { cursor, lost, sinceReturn, replayed: sinceReturn.filter(([, before]) => before).length };
}

/** The sequence numbers around a reconnect, the replayed ones marked by a word, a border and a background. */
function strip(title, { cursor, lost, sinceReturn }) {
  const list = element('ol', { className: 'seqs' }, element('li', { className: 'last' }, `${cursor} last before the cut`));
  if (lost) list.append(element('li', { className: 'lost' }, `${lost} lost`));
  const replayed = sinceReturn.filter(([, before]) => before);
  const live = sinceReturn.filter(([, before]) => !before).slice(0, 3);
  for (const [seq] of replayed.slice(0, 40)) list.append(element('li', { className: 'again', title: 'replayed' }, String(seq)));
  if (replayed.length > 40) list.append(element('li', { className: 'again' }, `… ${replayed.at(-1)[0]}`));
  if (replayed.length) list.append(element('li', { className: 'note' }, '↑ replayed, live from here →'));
  for (const [seq] of live) list.append(element('li', {}, String(seq)));
  return element('div', {}, element('strong', {}, title), list);
}

// Slow clients, hidden tabs, too many connections.

async function slowConsumer({ setUp, tab, watch }) {
  const rows = [];
  for (const slow of ['block', 'latest', 'disconnect']) {
    await setUp({ ...FEED, payload_bytes: 16384, reader_bytes_per_s: 20000, slow });
    const endpoints = await watch(10_000, `Policy “${slow}”: a client reads 20 kB/s of 160 kB/s.`);
    const { stats } = await tab.state();
    const { conflated: skipped = 0, slow_disconnected: ended = 0 } = stats?.endpoints?.sse ?? {};
    rows.push({ ...endpoints.sse, skipped, ended });
  }
  const [block, latest, disconnect] = rows;
  return `SSE, 10 s and about 100 updates under each policy. “block” delivered ${block.updates}, the oldest ${seconds(block.oldestMs)} late, and falls further behind. `
    + `“latest” delivered ${latest.updates}, at most ${seconds(latest.oldestMs)} late; the server skipped ${latest.skipped} and reported them as gaps. “disconnect” delivered ${disconnect.updates}, and ended the stream ${times(disconnect.ended)}. `
    + 'TCP pushes back on the server; what to do then is the application’s decision. (RFC 9293, section 3.8.6.)';
}

async function hiddenTab({ app, signal, until, observe }) {
  say('Switch to another tab of this window now, stay there for 10 s, and come back.');
  if (!await until(() => document.hidden, 60_000)) return 'This tab stayed visible for a minute. Press the button again to try it.';
  const hiddenAt = performance.now();
  const ticks = [];
  const timer = setInterval(() => ticks.push(performance.now()), 100);
  const { endpoints, stop } = observe();
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  await visibleAgain(signal);
  clearInterval(timer);
  stop();
  const gaps = ticks.map((at, index) => at - (ticks[index - 1] ?? hiddenAt));
  const mean = gaps.length ? gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length : 0;
  return `Hidden for ${seconds(performance.now() - hiddenAt)}: a timer set to 100 ms ran every ${mean.toFixed(0)} ms, at worst after ${Math.max(0, ...gaps).toFixed(0)} ms. Received meanwhile: ${each(endpoints, (d) => updates(d.updates))}; short polling asked ${times(endpoints['short-polling'].requests)} (every ${app.client.interval_ms} ms when visible). `
    + `${mean > 300 ? 'Pushed updates still arrive; whatever a timer starts is late.' : 'This browser did not slow its timers down.'} (Chromium’s run once a second in a hidden page, after five minutes once a minute.)`;
}

/** Resolves when the page becomes visible again: unlike timers, this event is not late. */
function visibleAgain(signal) {
  return new Promise((resolve, reject) => {
    document.addEventListener('visibilitychange', resolve, { once: true, signal });
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

async function sixConnections({ app, setUp }) {
  await setUp(FEED);
  say('Opening seven EventSources and a fetch over HTTP/1.1 and over HTTP/2, and seven WebSockets …');
  const { http1, http2, websocket, accepted } = await openGrid(app);
  return `HTTP/1.1: ${http1} of 8 are open; ${8 - http1} wait, including the fetch, and no event reports it. `
    + (accepted ? `HTTP/2: ${http2} of 8, as streams of one connection. ` : 'HTTP/2: accept the certificate first (see below). ')
    + `WebSocket: ${websocket} of 7. (RFC 9112, section 9.4, leaves the limit to the client; for streams, RFC 9113, section 5.1.2.)`;
}

async function heal({ app, setUp }) {
  await setUp({});
  const open = [...app.panels.values()].filter(({ state }) => state === 'open').length;
  return `Healed: no fault is left, the conditions are the initial ones, and ${open} of 4 endpoints are open.`;
}
