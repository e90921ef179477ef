// The page's parameters, and how they appear in the URL: only what differs from the default, which shows what a sender
// changed.

/**
 * Every parameter. `side` says what it applies to: the tab's server (which restarts), the network path (the lab proxies,
 * immediately), or the clients in this page. `stops` are the positions of the slider; `null` is "none". Those of the
 * server marked `always` can also be changed while the feed is that of `feedlab serve`.
 */
export const PARAMETERS = [
  { name: 'source', side: 'server', label: 'Feed', choices: {
    own: 'feedlab serve’s own', synthetic: 'synthetic',
    earthquakes: 'earthquakes (USGS)', host: 'this machine’s load' } },
  { name: 'updates_per_s', side: 'server', label: 'Updates', unit: 'per second', fallback: 10, synthetic: true,
    min: 0.1, max: 200, stops: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 100, 200] },
  { name: 'schedule', side: 'server', label: 'Schedule', synthetic: true, choices: {
    constant: 'constant', poisson: 'Poisson: random' } },
  { name: 'payload_bytes', side: 'server', label: 'Payload', unit: 'bytes', fallback: 100, synthetic: true, whole: true,
    min: 0, max: 65536, stops: [0, 20, 100, 500, 1024, 4096, 16384, 65536] },
  { name: 'keepalive_ms', side: 'server', always: true, label: 'Keepalive every', unit: 'ms', fallback: 15000, whole: true,
    min: 100, max: 600000, stops: [500, 1000, 2000, 5000, 15000, 30000, 60000] },
  { name: 'history', side: 'server', label: 'History kept', unit: 'updates', fallback: 1000, whole: true,
    min: 0, max: 10000, stops: [0, 1, 10, 50, 200, 1000, 10000] },
  { name: 'retry_ms', side: 'server', always: true, label: 'SSE “retry:”', unit: 'ms', fallback: 2000, whole: true,
    min: 100, max: 60000, stops: [100, 500, 1000, 2000, 3000, 5000, 10000, 30000] },
  { name: 'coalesce_ms', side: 'server', label: 'Coalesce for', unit: 'ms', fallback: 0, whole: true,
    min: 0, max: 10000, stops: [0, 10, 50, 100, 250, 500, 1000] },
  { name: 'slow', side: 'server', label: 'Slow clients', choices: {
    block: 'block: all, late', latest: 'latest: skip to newest', disconnect: 'disconnect' } },
  { name: 'rtt_ms', side: 'path', label: 'Round trip', unit: 'ms', fallback: 0,
    min: 0, max: 5000, stops: [0, 10, 20, 50, 100, 200, 300, 500, 1000] },
  { name: 'jitter_ms', side: 'path', label: 'Jitter', unit: 'ms', fallback: 0,
    min: 0, max: 1000, stops: [0, 1, 5, 10, 20, 50, 100, 200] },
  { name: 'bandwidth_bytes_per_s', side: 'path', label: 'Bandwidth', unit: 'bytes/s', fallback: null, whole: true,
    min: 1000, max: 1e9, stops: [null, 1e8, 1e7, 1e6, 125000, 50000, 20000, 5000] },
  { name: 'idle_timeout_ms', side: 'path', label: 'Idle timeout', unit: 'ms', fallback: null, whole: true,
    min: 100, max: 3600000, stops: [null, 60000, 30000, 10000, 5000, 2000, 1000] },
  { name: 'buffer_bytes', side: 'path', label: 'Proxy’s buffer', unit: 'bytes', fallback: 0, whole: true,
    min: 0, max: 1048576, stops: [0, 512, 1024, 4096, 8192, 16384, 65536] },
  { name: 'reader_bytes_per_s', side: 'path', label: 'Client reads', unit: 'bytes/s', fallback: null, whole: true,
    min: 100, max: 1e9, stops: [null, 1e6, 200000, 100000, 50000, 20000, 10000, 2000] },
  { name: 'interval_ms', side: 'client', label: 'Poll every', unit: 'ms', fallback: 1000, whole: true,
    min: 50, max: 60000, stops: [50, 100, 250, 500, 1000, 2000, 5000, 10000, 30000] },
  { name: 'hold_ms', side: 'client', label: 'Hold a long poll', unit: 'ms', fallback: 25000, whole: true,
    min: 100, max: 60000, stops: [500, 1000, 2000, 5000, 10000, 25000, 60000] },
];

const BY_NAME = new Map(PARAMETERS.map((parameter) => [parameter.name, parameter]));

export const parameter = (name) => BY_NAME.get(name);

/** Whether a parameter can be set while the feed is `source`. */
export const canChange = ({ name, side, always }, source) => source !== 'own' || side !== 'server' || always || name === 'source';

/** Parses a parameter's value; `undefined` if the text is not one. Values out of range become the nearest bound. */
export function parse({ choices, stops, min, max, whole }, text) {
  text = String(text ?? '').trim();
  if (choices) return Object.hasOwn(choices, text) ? text : undefined;
  if (text === '' || text === 'none') return stops.includes(null) ? null : undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) return undefined;
  const bounded = Math.min(max, Math.max(min, number));
  return whole ? Math.round(bounded) : bounded;
}

/** Reads `{preset, values}` from a query. Unknown names are ignored: a link may come from a later version. */
export function readQuery(search = location.search) {
  const values = {};
  const query = new URLSearchParams(search);
  for (const [name, text] of query) {
    const value = BY_NAME.has(name) ? parse(BY_NAME.get(name), text) : undefined;
    if (value !== undefined) values[name] = value;
  }
  return { preset: query.get('preset'), values };
}

/** The query for `values`: the preset, and what differs from `base`. Parameters of others stay. */
export function toQuery(preset, values, base) {
  const others = [...new URLSearchParams(location.search)].filter(([name]) => name !== 'preset' && !BY_NAME.has(name));
  const query = new URLSearchParams(others);
  if (preset) query.set('preset', preset);
  for (const p of PARAMETERS) {
    const { name } = p;
    if (name in values && canChange(p, values.source) && values[name] !== base[name]) query.set(name, values[name] ?? 'none');
  }
  return query.size ? `?${query}` : '';
}

/** Puts a query into the address bar, as a step that the Back button undoes. */
export function writeQuery(query) {
  if (query !== location.search) history.pushState(null, '', query || location.pathname);
}
