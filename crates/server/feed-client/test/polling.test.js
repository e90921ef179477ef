import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chance, clock, connected, network, waits } from './fixture.js';
import { nothing, status, updates } from './network.js';

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const DEAD = new TypeError('Failed to fetch');

test('short polling asks once per interval, from the cursor that the server gave', async () => {
  network.answer = () => (network.requests.length === 1 ? updates(6, 8) : nothing(8));
  const link = await connected({ endpoint: 'short-polling', after: 'k3f9.5', intervalMs: 1000 });
  await clock.advance(3000);
  assert.deepEqual(link.seen.seqs, [6, 7, 8]);
  assert.deepEqual(network.requests.map(({ at, url }) => [at, url.search]),
    [[0, '?after=k3f9.5'], [1000, '?after=k3f9.8'], [2000, '?after=k3f9.8'], [3000, '?after=k3f9.8']]);
});

test('gaps, resets and duplicates are reported, and none is delivered twice', async () => {
  const answers = [
    updates(3, 4, { gap: { from: 1, to: 2 } }), // announced
    updates(4, 7), // 4 again
    new Response('{"updates":[{"seq":9}],"next":"k3f9.9","gap":null}'), // a hole that nobody announced
    new Response('{"updates":[{"seq":1}],"next":"p0q2.1","gap":null,"reset":{"asked":"k3f9.9","resume":"p0q2.0"}}'),
  ];
  network.answer = () => answers.shift() ?? new Promise(() => {});
  const link = await connected({ endpoint: 'short-polling', after: 'k3f9.0' });
  await clock.advance(4000);
  assert.deepEqual(link.seen.seqs, [3, 4, 5, 6, 7, 9, 1]);
  assert.deepEqual(link.seen.duplicates, [4]);
  assert.deepEqual(link.seen.gaps, [{ from: 1, to: 2, again: false }, { from: 8, to: 8, again: false }]);
  assert.deepEqual(link.seen.resets, [{ asked: 'k3f9.9', resume: 'p0q2.0' }]);
  assert.equal(link.cursor, 'p0q2.1');
});

for (const endpoint of ['short-polling', 'long-polling']) {
  test(`J3: close() inside onupdate of ${endpoint} delivers nothing more, and open() continues there`, async () => {
    network.answer = async ({ url }) => {
      await pause(10);
      const after = Number(url.searchParams.get('after').split('.')[1]);
      return after === 20 ? new Promise(() => {}) : updates(after + 1, 20);
    };
    const seqs = [];
    const link = await connected({ endpoint, after: 'k3f9.0', onupdate: ({ seq }) => seqs.push(seq) === 2 && link.close() });
    await clock.advance(100);
    assert.deepEqual([seqs, link.cursor, link.state], [[1, 2], 'k3f9.2', 'closed']);
    link.open();
    await clock.advance(100);
    assert.deepEqual(seqs, Array.from({ length: 20 }, (_, i) => i + 1));
  });

  test(`J3: close() inside ongap of ${endpoint} delivers nothing more`, async () => {
    network.answer = () => pause(10).then(() => new Response('{"updates":[{"seq":3}],"next":"k3f9.3","gap":null}'));
    const link = await connected({ endpoint, after: 'k3f9.1', ongap: () => link.close() });
    await clock.advance(100);
    assert.deepEqual([link.seen.seqs, link.cursor], [[], 'k3f9.2']);
  });

  test(`J4: an exception in a callback of ${endpoint} is the application's, and delivery goes on`, async () => {
    network.answer = () => (network.requests.length === 1 ? updates(1, 3) : new Promise(() => {}));
    const seqs = [];
    const link = await connected({
      endpoint, after: 'k3f9.0',
      onupdate: ({ seq }) => { seqs.push(seq); throw new Error('mine'); },
      onstate: () => { throw new Error('also mine'); },
    });
    await clock.advance(100);
    assert.deepEqual([seqs, link.seen.failures, link.state], [[1, 2, 3], [], 'open']);
    const names = link.seen.errors.map(([message, name]) => `${name}: ${message}`);
    assert.deepEqual([...new Set(names)].sort(), ['onstate: also mine', 'onupdate: mine']);
  });
}

test('J4: without onerror, reportError takes it, and an onerror that throws ends nothing', async () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  network.answer = () => (network.requests.length === 1 ? updates(1, 2) : new Promise(() => {}));
  const options = { endpoint: 'short-polling', after: 'k3f9.0', onupdate: () => { throw new Error('mine'); } };
  await connected({ ...options, onerror: undefined });
  assert.deepEqual(reported, ['mine', 'mine']);
  network.requests.length = 0;
  const link = await connected({ ...options, onerror: () => { throw new Error('worse'); } });
  assert.deepEqual([reported.slice(2), link.state, link.seq], [['worse', 'worse'], 'open', 2]);
  delete globalThis.reportError;
});

test('J5: a Retry-After is the least wait, with jitter on top', async () => {
  network.answer = () => status(503, { 'Retry-After': '2' });
  for (const [value, expected] of [[0, 2000], [0.25, 2500], [0.999, 3998]]) {
    chance(value);
    const link = await connected({ endpoint: 'short-polling' });
    assert.deepEqual(waits(link), [expected]);
    link.close();
  }
});

test('J6: long polls that are answered at once with nothing are bounded', async () => {
  for (const answer of [() => nothing(5), () => status(204), () => updates(4, 5), () => updates(6, 5, { gap: { from: 5, to: 5 } })]) {
    network.requests.length = 0;
    network.answer = answer;
    const link = await connected({ endpoint: 'long-polling', after: 'k3f9.5' });
    await clock.advance(3000);
    assert.ok(network.requests.length <= 5, `${network.requests.length} requests in 3 s`);
    assert.deepEqual(link.seen.seqs, []);
    link.close();
  }
});

test('J6: neither are those of a client without a cursor', async () => {
  network.answer = () => status(204);
  await connected({ endpoint: 'long-polling' });
  await clock.advance(3000);
  assert.ok(network.requests.length <= 5, `${network.requests.length} requests in 3 s`);
});

test('a long poll that is held and then empty is a keepalive', async () => {
  network.answer = async () => {
    await new Promise((resolve) => setTimeout(resolve, 25000));
    return status(204);
  };
  const link = await connected({ endpoint: 'long-polling', after: 'k3f9.5' });
  await clock.advance(100_500);
  assert.deepEqual([network.requests.length, link.seen.keepalives, link.seen.failures, link.state], [5, 4, [], 'open']);
});

test('a long poll without a cursor asks for the position first', async () => {
  network.answer = () => (network.requests.length === 1 ? nothing(7) : new Promise(() => {}));
  await connected({ endpoint: 'long-polling' });
  assert.deepEqual(network.requests.map(({ url }) => url.search), ['?hold=0ms', '?after=k3f9.7&hold=25000ms']);
});

test('a poll that is not answered in time fails', async () => {
  const link = await connected({ endpoint: 'short-polling', answerMs: 5000 });
  await clock.advance(5500);
  assert.equal(link.seen.failures[0].reason, 'watchdog: nothing received for 5 s');
});

test('the waits of consecutive failures grow up to a bound, and start over after a success', async () => {
  network.answer = () => DEAD;
  const link = await connected({ endpoint: 'short-polling' });
  await clock.advance(200_000);
  const seen = waits(link);
  assert.deepEqual(seen.slice(0, 8), [250, 500, 1000, 2000, 4000, 8000, 15000, 15000]);
  network.answer = () => nothing(1);
  await clock.advance(15000);
  network.answer = () => DEAD;
  await clock.advance(1000);
  assert.equal(waits(link)[seen.length], 250);
});

test('J7: statuses that a retry does not change are final, and a hook may decide otherwise', async () => {
  network.answer = () => status(401);
  const link = await connected({ endpoint: 'short-polling' });
  await clock.advance(60_000);
  assert.deepEqual([network.requests.length, link.state, link.seen.failures[0].status], [1, 'closed — gave up', 401]);
  let tries = 0;
  const again = await connected({ endpoint: 'short-polling', onfailure: ({ status }) => (status === 401 && ++tries < 3 ? 100 : undefined) });
  await clock.advance(60_000);
  assert.deepEqual([tries, network.requests.length, again.state], [3, 4, 'closed — gave up']);
  network.answer = () => DEAD;
  const never = await connected({ endpoint: 'short-polling', onfailure: () => false });
  assert.equal(never.state, 'closed — gave up');
});

test('J7: headers, token and credentials are sent, and asked for before each attempt', async () => {
  network.answer = () => DEAD;
  let asked = 0;
  await connected({
    endpoint: 'short-polling', url: async () => 'https://feed.test/base/', credentials: 'include',
    headers: { 'X-Tenant': 'a' }, token: async () => `t${++asked}`,
  });
  await clock.advance(300);
  const seen = network.requests.map(({ url, headers, credentials }) => [url.href, headers.Authorization, headers['X-Tenant'], credentials]);
  assert.deepEqual(seen, [1, 2].map((n) => ['https://feed.test/base/feed/poll', `Bearer t${n}`, 'a', 'include']));
});

test('J7: other paths, below a base path, with a query', async () => {
  await connected({ endpoint: 'short-polling', url: 'https://feed.test/lab?room=1', paths: { 'short-polling': '/now' }, after: 3 });
  assert.equal(network.requests[0].url.href, 'https://feed.test/lab/now?room=1&after=3');
});

test('without headers of its own, a request needs no preflight', async () => {
  await connected({ endpoint: 'short-polling' });
  assert.deepEqual(network.requests[0].headers, {});
});

test('J7: send() posts where there is no WebSocket', async () => {
  network.answer = ({ method }) => (method === 'POST' ? new Response('{"seq":9}', { status: 202 }) : new Promise(() => {}));
  const link = await connected({ endpoint: 'long-polling', after: 'k3f9.1', token: 't' });
  assert.equal(await link.send('hello', { type: 'message' }), 9);
  assert.equal(await link.send(new Uint8Array([1])), 9);
  const [text, bytes] = network.requests.filter(({ method }) => method === 'POST');
  assert.deepEqual([text.url.href, text.body, text.headers], ['http://feed.test/feed', '{"type":"message","data":"hello"}', { 'Content-Type': 'application/json', Authorization: 'Bearer t' }]);
  assert.equal(bytes.headers['Content-Type'], 'application/octet-stream');
  network.answer = () => status(403);
  await assert.rejects(link.send('no'), { message: 'status 403', status: 403 });
});
