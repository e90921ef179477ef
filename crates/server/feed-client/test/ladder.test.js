import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clock, climbing, network } from './fixture.js';
import { Stream, event, nothing, status, updates } from './network.js';

const REFUSED = new TypeError('Failed to fetch');
let paths; // what each endpoint answers

function routes(table) {
  paths = table;
  network.answer = (request) => paths[request.url.pathname](request);
}

const held = () => new Promise(() => {});

test('J1: refused and reset streams make the ladder fall after three', async () => {
  routes({ '/feed/sse': () => REFUSED, '/feed/poll': () => nothing(3) });
  const feed = await climbing(['sse', 'short-polling'], { after: 'k3f9.3' });
  await clock.advance(3000);
  assert.deepEqual([feed.seen.rungs, feed.endpoint, feed.state], [['sse', 'short-polling'], 'short-polling', 'open']);
  assert.ok(!feed.seen.states.some(({ word }) => word === 'closed — gave up'), 'falling is not giving up');
  assert.equal(network.to('/sse').length, 3);
  assert.equal(network.to('/poll')[0].url.search, '?after=k3f9.3');
});

test('J2: a healthy, quiet stream stays', async () => {
  routes({ '/feed/sse': ({ signal }) => new Stream(signal).response, '/feed/poll': () => nothing(0) });
  const feed = await climbing(['sse', 'short-polling'], { silenceMs: 3000, after: 'k3f9.0' });
  await clock.advance(120_000);
  assert.deepEqual([feed.seen.rungs, feed.state], [['sse'], 'open']);
});

test('a buffered stream, silent while the feed goes on, makes it fall, and nothing is lost', async () => {
  routes({ '/feed/sse': ({ signal }) => new Stream(signal).response, '/feed/poll': () => updates(1, 3) });
  const feed = await climbing(['sse', 'short-polling'], { silenceMs: 3000, tries: 1, after: 'k3f9.0' });
  await clock.advance(6000);
  assert.deepEqual([feed.seen.rungs, feed.seen.seqs], [['sse', 'short-polling'], [1, 2, 3]]);
});

test('J2: the ladder climbs back when the stream works again, and continues from the cursor', async () => {
  const streams = [];
  routes({ '/feed/sse': () => REFUSED, '/feed/poll': () => nothing(5) });
  const feed = await climbing(['sse', 'short-polling'], { after: 'k3f9.5', climbMs: 60_000 });
  await clock.advance(100_000);
  assert.equal(feed.endpoint, 'short-polling', 'it tried, and stays');
  assert.equal(network.to('/sse').length, 4, 'one try to climb after one and a half times 60 s');
  paths['/feed/sse'] = ({ signal }) => {
    streams.push(new Stream(signal));
    streams.at(-1).brings(`id: k3f9.5\n\n${event(6)}`);
    return streams.at(-1).response;
  };
  await clock.advance(100_000);
  assert.deepEqual([feed.endpoint, feed.state, feed.seen.seqs, feed.seen.duplicates], ['sse', 'open', [6], []]);
  assert.equal(streams.length, 2, 'the trial, and the one in use');
  const polls = network.to('/poll').length;
  await clock.advance(20_000);
  assert.ok(network.to('/poll').length - polls <= 2, 'only the checks of a silent stream, no more polling');
});

test('it climbs past rungs that still fail, to the highest that works', async () => {
  routes({ '/feed/sse': () => REFUSED, '/feed/long-poll': () => REFUSED, '/feed/poll': () => nothing(5) });
  const feed = await climbing(['sse', 'long-polling', 'short-polling'], { after: 'k3f9.5', climbMs: 60_000 });
  await clock.advance(20_000);
  assert.equal(feed.endpoint, 'short-polling');
  paths['/feed/long-poll'] = async () => {
    await new Promise((resolve) => setTimeout(resolve, 25_000));
    return status(204);
  };
  await clock.advance(150_000);
  assert.deepEqual([feed.endpoint, feed.state], ['long-polling', 'open']);
});

test('close() ends every timer, also of a trial, and open() starts from the top', async () => {
  routes({ '/feed/sse': () => REFUSED, '/feed/poll': () => nothing(5) });
  const feed = await climbing(['sse', 'short-polling'], { after: 'k3f9.5' });
  await clock.advance(10_000);
  paths['/feed/sse'] = held;
  await clock.advance(90_000);
  feed.close();
  await clock.advance(0);
  assert.deepEqual([clock.pending, feed.state], [0, 'closed']);
  feed.open();
  assert.equal(feed.endpoint, 'sse');
});

test('a failure that is final on every rung gives up', async () => {
  routes({ '/feed/sse': () => status(401), '/feed/poll': () => status(401) });
  const feed = await climbing(['sse', 'short-polling']);
  await clock.advance(200_000);
  assert.deepEqual([feed.state, network.requests.length, clock.pending], ['closed — gave up', 2, 0]);
});

test('J4: an exception in onstate does not keep it from falling', async () => {
  routes({ '/feed/sse': () => status(404), '/feed/poll': () => nothing(5) });
  const feed = await climbing(['sse', 'short-polling'], { onstate: () => { throw new Error('mine'); } });
  await clock.advance(10);
  assert.deepEqual([feed.endpoint, feed.state], ['short-polling', 'open']);
});
