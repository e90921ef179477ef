// What `npm pack` delivers: its size, its files, its version, its types.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { bundle } from '../pack.mjs';
import { library } from './fixture.js';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const MOST = 6000;

test('the file is below 6 kB compressed', () => {
  const bytes = gzipSync(bundle(), { level: 9 }).length;
  assert.ok(bytes > 1000 && bytes < MOST, `${bytes} bytes`);
});

test('no name that is shortened is one of its options, callbacks or methods', () => {
  const types = read('../feed-client.d.ts').replace(/\/\*\*.*?\*\//g, '');
  const members = new Set([...types.matchAll(/^ {2}(?:readonly )?(\w+)[?(:]/gm)].map(([, name]) => name));
  assert.ok(members.size > 50);
  const [, own] = /const OWN = `([^`]*)`/.exec(read('../pack.mjs'));
  assert.deepEqual(own.trim().split(/\s+/).filter((name) => members.has(name)), []);
});

test('its version is the crates\'', () => {
  const [, version] = /^version = "(.*)"$/m.exec(read('../../../../Cargo.toml'));
  assert.equal(JSON.parse(read('../package.json')).version, version);
});

test('the types declare what it exports, and nothing else', () => {
  const types = read('../feed-client.d.ts');
  const declared = [...types.matchAll(/^export declare (?:const|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(declared.sort(), Object.keys(library).sort());
});

test('the types and the page of documentation name every option', () => {
  const [, text] = /export const DEFAULTS = \{\n([\s\S]*?)\n\};/.exec(read('../../src/page/feed-client/options.js'));
  const options = [...text.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
  assert.ok(options.length > 12);
  const [types, page] = [read('../feed-client.d.ts'), read('../../../../docs/client.md')];
  for (const name of options) {
    assert.match(types, new RegExp(`\\b${name}\\?`), `feed-client.d.ts lacks ${name}`);
    assert.ok(page.includes(`\`${name}\``), `docs/client.md lacks ${name}`);
  }
});

test('npm pack delivers the file, its types, its licenses and its readme', { skip: !hasNpm() && 'npm not found' }, () => {
  const root = mkdtempSync(join(tmpdir(), 'feed-client-'));
  const here = (path) => new URL(`../../../../${path}`, import.meta.url).pathname;
  for (const path of ['crates/server/feed-client', 'crates/server/src/page', 'LICENSE-MIT', 'LICENSE-APACHE']) {
    cpSync(here(path), join(root, path), { recursive: true });
  }
  const cwd = join(root, 'crates/server/feed-client');
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json', '--offline'], { cwd, stdio: ['ignore', 'pipe', 'ignore'] }).toString().replace(/^[^[]*/, ''));
  rmSync(root, { recursive: true });
  assert.deepEqual(files.map(({ path }) => path).sort(),
    ['README.md', 'dist/LICENSE-APACHE', 'dist/LICENSE-MIT', 'dist/feed-client.js', 'feed-client.d.ts', 'package.json']);
});

function hasNpm() {
  try {
    return Boolean(execFileSync('npm', ['--version']));
  } catch {
    return false;
  }
}
