// Writes the library as one small file: the page's modules one after another, without what only readers need.
//
//   node pack.mjs dist/feed-client.js      # `npm pack` does this first
//
// It removes comments and white space, and shortens names that are the library's own. It understands the JavaScript of
// these modules, no other: an import or an `export {…} from` on one line, and template literals without templates inside.
// The tests run its result, in Node and in browsers.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = new URL('../../../', import.meta.url);
const PAGE = new URL('../src/page/', import.meta.url);

/** In this order, each module uses only those before it. */
const MODULES = ['options', 'retry', 'message', 'page-events', 'polling', 'sse', 'websocket', 'link', 'ladder'];

/**
 * Names that are shortened wherever they stand, as variables and as properties. So none of them may be an option, part of
 * what is exported or of what a server sends, or a name of the browser's.
 */
const OWN = `
  BASE_MS CAP_MS ClientError DEFAULTS GRACE_MS Link MAX_EVENT MAX_UNACKED MOVED PEEK_MS TRANSPORTS address answer
  ask askedAt askedMs attempt bearer before climb closeError closing decodeBinary decoder eventParser fail
  failure handleAnswer handleEvent hasCursor hasId hasNews heard isBeyond isBottom isEarly isEvent isFinal
  isNews isStream isTemporary isText life limit line lines link longPolling mayWake moveTo onaway
  onback oncomment onevent onhidden onretry opened options ours parseCursor part peek pendingSince poll polls
  progress publish readAnswer reader reconnectMs requestEnds requestStarts rest retryAfter retryDelay rung rungs
  running seconds setState shortPolling silent size sleep socket started statusError stop take tell timer trial
  unacked view waits wake wasOpen watchPage whileOpen why wish word works
`.trim().split(/\s+/);

// A comment, a string, a template, a regular expression, a name or number, white space, anything else.
const TOKENS = /\/\*[\s\S]*?\*\/|(?<!\S)\/\/.*|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|(?<=[(=:?&|,] ?)\/(?:\\.|\[[^\]]*\]|[^/\\\n])+\/[a-z]*|#?[\w$]+|\s+|./g;

export function bundle() {
  const read = (path) => readFileSync(new URL(path, PAGE), 'utf8').replace(/^import .*$/gm, '');
  const modules = MODULES.map((name) => read(`feed-client/${name}.js`).replace(/^export /gm, ''));
  const entry = read('feed-client.js').replace(/^(export \{.*\}) from .*$/gm, '$1;');
  const tokens = [...modules, entry].join('\n').match(TOKENS).filter((token) => !/^\/[/*]/.test(token));
  return `// feedlab-client. MIT OR Apache-2.0\n${joined(shortened(tokens))}\n`;
}

/** Shortens the library's own names, and private ones, in code and in templates. */
function shortened(tokens) {
  const taken = new Set(tokens);
  const short = new Map();
  const name = (token) => {
    if (!OWN.includes(token) && !/^#[a-z]/.test(token)) return token;
    if (!short.has(token)) short.set(token, unused(token.startsWith('#') ? '#' : '', taken));
    return short.get(token);
  };
  return tokens.map((token) => {
    if (token.startsWith('`')) return token.replace(/\$\{[^}]*\}/g, (code) => code.replace(/[\w$]+/g, name));
    return name(token);
  });
}

/** The first name of one or two letters that is not taken; takes it. */
function unused(prefix, taken) {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const names = [...letters, ...[...letters].flatMap((first) => [...letters].map((second) => first + second))];
  const found = names.map((name) => prefix + name).find((name) => !taken.has(name) && !['as', 'do', 'if', 'in', 'of'].includes(name));
  taken.add(found);
  return found;
}

/** Joins tokens with as little white space as possible; a line ends where it may end a statement. */
function joined(tokens) {
  let text = '';
  for (const [at, token] of tokens.entries()) {
    const [before, after] = [text.at(-1) ?? ';', tokens[at + 1]?.[0] ?? ''];
    if (!/^\s/.test(token)) text += token;
    else if (token.includes('\n') && !';{(,['.includes(before) && !/[}.?:)\s]/.test(after)) text += '\n';
    else if (/[\w$]/.test(before) && /[\w$#]/.test(after)) text += ' ';
  }
  return text;
}

const [target] = process.argv.slice(2);
if (target) {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, bundle());
  for (const name of ['LICENSE-MIT', 'LICENSE-APACHE']) copyFileSync(new URL(name, ROOT), join(dirname(target), name));
}
