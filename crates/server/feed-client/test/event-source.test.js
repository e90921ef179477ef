// The page's transport over EventSource; what it counts as a failure.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clock, connectedSource, network } from './fixture.js';
import { nothing, updates } from './network.js';

test('J1: a stream that is refused or reset counts as a failure each time', async () => {
  const link = await connectedSource({ tries: 5, reopen: true });
  for (let i = 0; i < 5; i += 1) {
    network.sources.at(-1).breaks();
    await clock.advance(20_000);
  }
  assert.deepEqual(link.seen.failures.map(({ failures }) => failures), [1, 2, 3, 4, 5]);
  assert.deepEqual([link.state, network.sources.length], ['closed — gave up', 5]);
  assert.ok(network.sources.every(({ readyState }) => readyState === 2), 'none is left to its own retries');
});

test('J1: after a stream has ended, the browser reconnects by itself, once', async () => {
  const link = await connectedSource();
  const [source] = network.sources;
  source.opens();
  source.brings(1);
  source.breaks();
  await clock.advance(3000);
  source.opens();
  source.brings(2);
  assert.deepEqual([network.sources.length, link.state, link.seen.seqs], [1, 'open', [1, 2]]);
  source.breaks();
  await clock.advance(3000);
  source.breaks(); // its own retry is refused
  await clock.advance(2000);
  assert.deepEqual([network.sources.length, network.sources[1].url.search, source.readyState], [2, '?after=k3f9.2', 2]);
});

test('J1: a stream that opens and ends without having brought anything, again and again, is given up', async () => {
  const link = await connectedSource({ tries: 4 });
  for (let i = 0; i < 10 && link.state !== 'closed — gave up'; i += 1) {
    network.sources.at(-1).opens();
    network.sources.at(-1).breaks();
    await clock.advance(20_000);
  }
  assert.equal(link.state, 'closed — gave up');
});

test('J2: a healthy, quiet stream is not reconnected: a poll shows that nothing is missed', async () => {
  network.answer = () => nothing(0);
  const link = await connectedSource({ silenceMs: 3000 });
  network.sources[0].opens();
  await clock.advance(60_000);
  assert.deepEqual([network.sources.length, link.seen.failures, link.state], [1, [], 'open']);
  assert.ok(link.seen.keepalives >= 15);
  assert.equal(network.requests.length, link.seen.keepalives, 'one poll for each silence');
});

test('J2: so is one without a cursor', async () => {
  network.answer = () => nothing(7);
  const link = await connectedSource({ silenceMs: 3000, after: null });
  network.sources[0].opens();
  await clock.advance(20_000);
  assert.deepEqual([network.sources.length, link.state], [1, 'open']);
  assert.deepEqual(network.requests.slice(0, 2).map(({ url }) => url.search), ['', '?after=k3f9.7']);
  network.answer = () => updates(8, 9);
  await clock.advance(8000);
  assert.equal(network.sources[1].url.search, '?after=k3f9.7', 'what the stream did not bring is asked for');
});

test('J2: an open stream that outlives the silence is progress', async () => {
  network.answer = () => nothing(0);
  const link = await connectedSource({ silenceMs: 3000, reopen: true });
  network.sources[0].breaks();
  await clock.advance(1000);
  network.sources[1].opens();
  await clock.advance(5000);
  network.sources[1].fails();
  assert.deepEqual((await clock.advance(10), link.seen.failures.map(({ failures }) => failures)), [1, 1]);
});

test('a silent stream is left if the feed went on, and one that cannot be asked about too', async () => {
  for (const answer of [() => updates(1, 2), () => new TypeError('no network'), () => new Promise(() => {})]) {
    network.answer = answer;
    const link = await connectedSource({ silenceMs: 3000 });
    network.sources.at(-1).opens();
    await clock.advance(7000);
    assert.equal(link.seen.failures[0].reason, 'watchdog: nothing received for 3 s');
    link.close();
  }
});

test('an update that arrives while the poll is on its way shows that the stream works', async () => {
  network.answer = () => updates(1, 1);
  const link = await connectedSource({ silenceMs: 3000 });
  network.sources[0].opens();
  await clock.advance(3500);
  network.sources[0].brings(1);
  await clock.advance(1000);
  assert.deepEqual([network.sources.length, link.seen.seqs], [1, [1]]);
});

test('a stream that fails permanently is opened again, or not, as the page wishes', async () => {
  const link = await connectedSource({ reopen: true });
  network.sources[0].fails();
  await clock.advance(1000);
  assert.equal(network.sources.length, 2);
  const left = await connectedSource();
  network.sources[2].fails();
  await clock.advance(1000);
  assert.deepEqual([left.state, link.state], ['closed — gave up', 'connecting']);
});

test('events that are named as those of an EventSource are only updates', async () => {
  const link = await connectedSource({ types: ['open', 'error', 'message'] });
  network.sources[0].opens();
  for (const [index, type] of ['open', 'error', 'message'].entries()) network.sources[0].brings(index + 1, type);
  assert.deepEqual([link.seen.seqs, link.seen.failures, link.state], [[1, 2, 3], [], 'open']);
});
