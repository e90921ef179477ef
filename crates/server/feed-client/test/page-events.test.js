import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { clock, connected, network } from './fixture.js';
import { Stream, nothing, status, updates } from './network.js';

let page;

beforeEach(() => {
  page = new EventTarget();
  globalThis.addEventListener = page.addEventListener.bind(page);
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
});

afterEach(() => {
  delete globalThis.addEventListener;
  delete globalThis.document;
});

const report = async (type, more = {}) => {
  page.dispatchEvent(Object.assign(new Event(type), more));
  await clock.advance(0);
};

const show = async (visibilityState) => {
  document.visibilityState = visibilityState;
  document.dispatchEvent(new Event('visibilitychange'));
  await clock.advance(0);
};

test('J7: online ends the wait before a retry, and the count of failures', async () => {
  network.answer = () => new TypeError('no network');
  const link = await connected({ endpoint: 'short-polling' });
  await clock.advance(60_000);
  const count = network.requests.length;
  network.answer = () => nothing(1);
  await report('online');
  assert.deepEqual([network.requests.length, link.state], [count + 1, 'open']);
});

test('J7: but not a wait that the server asked for', async () => {
  network.answer = () => status(503, { 'Retry-After': '60' });
  await connected({ endpoint: 'short-polling' });
  await report('online');
  assert.equal(network.requests.length, 1);
});

test('J7: a page that is visible again checks its stream: kept if it works, replaced if the feed went on without it', async () => {
  let poll = () => nothing(0);
  network.answer = ({ url, signal }) => (url.pathname === '/feed/poll' ? poll() : new Stream(signal).response);
  const link = await connected({ endpoint: 'sse', after: 'k3f9.0' });
  await show('hidden');
  await show('visible');
  await clock.advance(2000);
  assert.equal(network.to('/sse').length, 1);
  poll = () => new TypeError('not yet'); // the network is not back yet: no proof of anything
  await show('visible');
  await clock.advance(2000);
  assert.equal(network.to('/sse').length, 1);
  poll = () => updates(1, 2);
  await show('visible');
  await clock.advance(2000);
  assert.equal(network.to('/sse').length, 2);
  assert.equal(link.seen.failures[0].reason, 'the feed went on, but the connection brought nothing');
});

test('J7: pagehide closes the connection, and pageshow continues from the cursor', async () => {
  network.answer = () => (network.requests.length === 1 ? updates(1, 2) : new Promise(() => {}));
  const link = await connected({ endpoint: 'long-polling', after: 'k3f9.0' });
  await report('pagehide', { persisted: true });
  assert.deepEqual([link.state, network.requests.at(-1).signal.aborted, clock.pending], ['paused', true, 0]);
  await clock.advance(60_000);
  assert.equal(network.requests.length, 2);
  await report('pageshow', { persisted: true });
  assert.deepEqual([link.state, network.requests[2].url.searchParams.get('after')], ['connecting', 'k3f9.2']);
});

test('J7: a hidden page stays connected unless it was to pause', async () => {
  const stays = await connected({ endpoint: 'long-polling' });
  const pauses = await connected({ endpoint: 'long-polling', whileHidden: 'pause' });
  await show('hidden');
  assert.deepEqual([stays.state, pauses.state], ['connecting', 'paused']);
  await show('visible');
  assert.equal(pauses.state, 'connecting');
});

test('J7: an AbortSignal closes permanently, and a closed client listens to nothing', async () => {
  const end = new AbortController();
  const link = await connected({ endpoint: 'long-polling', signal: end.signal });
  end.abort();
  await clock.advance(60_000);
  assert.deepEqual([link.state, network.requests.length, clock.pending], ['closed', 1, 0]);
  link.open();
  await report('online');
  await report('pageshow', { persisted: true });
  assert.equal(network.requests.length, 1);
});
