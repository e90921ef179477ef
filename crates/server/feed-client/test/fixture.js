// What each test starts with: the packed library, a clock, a network, and what the callbacks report.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach } from 'node:test';

import { bundle } from '../pack.mjs';
import { Clock } from './clock.js';
import { Network } from './network.js';

// The tests run what `npm pack` delivers, not the modules that it is made of.
const folder = mkdtempSync(join(tmpdir(), 'feed-client-'));
const file = join(folder, 'feed-client.mjs');
writeFileSync(file, bundle());
export const library = await import(file);

// The page's own transport is no part of it, and is tested with the modules. Node takes them for modules only in a
// package that says so.
cpSync(new URL('../../src/page/', import.meta.url), folder, { recursive: true });
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
const page = await import(join(folder, 'feed-client.js'));
const { TRANSPORTS } = await import(join(folder, 'feed-client/link.js'));
const { eventSource } = await import(join(folder, 'event-source.js'));
after(() => rmSync(folder, { recursive: true }));

export let clock, network;
let open = [];
let random;

beforeEach(() => {
  clock = new Clock();
  network = new Network();
  random = Math.random;
  Math.random = () => 0.5;
});

afterEach(() => {
  for (const handle of open) handle.close();
  open = [];
  network.restore();
  clock.restore();
  Math.random = random;
});

/** Chooses what Math.random() returns. */
export function chance(value) {
  Math.random = () => value;
}

function recorder() {
  const seen = { seqs: [], duplicates: [], gaps: [], resets: [], states: [], failures: [], errors: [], keepalives: 0, rungs: [] };
  const callbacks = {
    onupdate: ({ seq }) => seen.seqs.push(seq),
    onduplicate: ({ seq }) => seen.duplicates.push(seq),
    ongap: (gap) => seen.gaps.push(gap),
    onreset: (reset) => seen.resets.push(reset),
    onstate: (word, detail) => seen.states.push({ word, at: clock.now, ...detail }),
    onfailure: (failure) => void seen.failures.push(failure),
    onerror: (error, name) => seen.errors.push([error.message, name]),
    onkeepalive: () => (seen.keepalives += 1),
    onrung: (endpoint) => seen.rungs.push(endpoint),
  };
  return { seen, callbacks };
}

/** Connects, and records what is reported in `handle.seen`. */
export async function connected(options, { connect } = library) {
  const { seen, callbacks } = recorder();
  const handle = connect({ url: 'http://feed.test', ...callbacks, ...options });
  open.push(handle);
  await clock.advance(0);
  return Object.assign(handle, { seen });
}

/** Connects as the page does. */
export function connectedSource(options) {
  const own = { transports: { ...TRANSPORTS, sse: eventSource }, types: ['tick'], retryMs: 3000, reopen: false };
  return connected({ endpoint: 'sse', after: 'k3f9.0', ...own, ...options }, page);
}

/** The same for the ladder. */
export async function climbing(endpoints, options = {}) {
  const { seen, callbacks } = recorder();
  const handle = library.ladder(endpoints, { url: 'http://feed.test', ...callbacks, ...options });
  open.push(handle);
  await clock.advance(0);
  return Object.assign(handle, { seen });
}

/** Only the waits before retries, ms. */
export const waits = ({ seen }) => seen.states.map(({ retryInMs }) => retryInMs).filter((ms) => ms !== null);
