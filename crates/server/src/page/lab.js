// This tab's lab: its own server, with a proxy in front of each endpoint. Requests to it go to the page's own origin, so
// that they use no connection of the panels.

import { canChange, PARAMETERS, readQuery } from './url-state.js';
import { presetValues } from './presets.js';

/**
 * Opens a lab for this tab, with the settings of the URL.
 * @throws {Error} if no lab is available; the message tells the user why.
 */
export async function openLab() {
  const tab = new Tab();
  await tab.open();
  tab.closeWithPage();
  return tab;
}

class Tab {
  /** The path of this tab's API. */
  #path;

  /** Opens a lab; another one if it is called again, because the server has restarted or has ended the lab. */
  async open() {
    const answer = await fetch('lab', { cache: 'no-store' });
    if (answer.status === 404) throw new Error('this server has none (start “feedlab serve” without --no-lab)');
    const { available, why, rules, free, most } = await answer.json();
    if (!available) throw new Error(why);
    const { id, endpoints, shared, secure, settings } = await request('POST', 'lab/tabs', {});
    this.#path = `lab/tabs/${id}`;
    // Where others share the server: what a visitor may do, and how much room there was before this tab.
    this.rules = rules ? `${rules} Labs still free: ${Math.max(free - 1, 0)} of ${most}.` : '';
    /** The settings that the lab started with; `now` holds the current ones. */
    this.defaults = knownSettings(settings);
    Object.assign(this, { endpoints, shared, secure, now: { ...this.defaults } });
    await this.#followUrl();
  }

  /** Changes settings; returns `{settings, restarted}`. Those of the server restart it, on the same port. */
  async settings(patch) {
    const answer = await this.#request('PUT', '/settings', patch);
    this.now = this.#inForce(answer.settings);
    return answer;
  }

  /** The settings in force: with the feed of `feedlab serve`, those set for another feed have none. */
  #inForce(settings) {
    const now = knownSettings(settings);
    for (const p of PARAMETERS) if (p.name in now && !canChange(p, now.source)) now[p.name] = this.defaults[p.name];
    return now;
  }

  /** Triggers a fault; returns how many connections it hit: `{hit, open}`. */
  fault(endpoint, kind, forMs = 0) {
    return this.#request('POST', '/fault', { endpoint, kind, for_ms: forMs });
  }

  heal() {
    return this.#request('POST', '/heal');
  }

  /** Restarts the server with the same feed, as in a deploy. */
  restart(downMs = 1000) {
    return this.#request('POST', '/restart', { down_ms: downMs });
  }

  state() {
    return this.#request('GET', '');
  }

  /** If the lab refuses the settings of the URL, the controls show why later. */
  async #followUrl() {
    this.refused = null;
    const { preset, values } = readQuery();
    const patch = this.changes({ ...this.defaults, ...presetValues(preset), ...values });
    if (Object.keys(patch).length === 0) return;
    try {
      await this.settings(patch);
    } catch (error) {
      this.refused = error.message;
    }
  }

  /**
   * The settings to change to reach `wanted`. The feed of `feedlab serve` itself cannot be changed: asking for another
   * rate or history switches to a synthetic feed.
   */
  changes(wanted) {
    const known = PARAMETERS.filter(({ name, side }) => side !== 'client' && name in wanted);
    const differs = ({ name }) => wanted[name] !== this.now[name];
    const wantedSource = wanted.source ?? this.now.source;
    const leavesOwn = wantedSource === 'own' && this.now.source === 'own' && known.some((p) => differs(p) && !canChange(p, 'own'));
    const source = leavesOwn ? 'synthetic' : wantedSource;
    const changesSource = source !== this.now.source;
    const patch = known.filter((p) => canChange(p, source) && (differs(p) || (changesSource && p.side === 'server')));
    return Object.fromEntries([...patch.map(({ name }) => [name, wanted[name]]), ...(changesSource ? [['source', source]] : [])]);
  }

  /** Closes the lab when the page closes. (A lab that gets no request for three minutes ends by itself.) */
  closeWithPage() {
    addEventListener('pagehide', () => navigator.sendBeacon(`${this.#path}/close`));
    // A page restored from the back/forward cache finds its lab closed.
    addEventListener('pageshow', (event) => event.persisted && location.reload());
  }

  /** A 404 means that the lab has ended: server.js then opens another one. */
  #request = (method, path, body) => request(method, this.#path + path, body);
}

/** The settings that this page knows; `buffer_bytes: null` and 0 are the same. */
function knownSettings(settings) {
  const known = PARAMETERS.filter(({ name, side }) => side !== 'client' && name in settings);
  return Object.fromEntries(known.map(({ name, fallback }) => [name, settings[name] ?? fallback ?? null]));
}

async function request(method, path, body) {
  const answer = await fetch(path, { method, cache: 'no-store', signal: AbortSignal.timeout(15_000), body: body && JSON.stringify(body),
    headers: body && { 'Content-Type': 'application/json' } });
  const text = await answer.text();
  const json = parsed(text);
  if (answer.ok) return json;
  throw Object.assign(new Error(json?.error ?? json?.why ?? (text.trim() || `${method} ${path}: status ${answer.status}`)), { status: answer.status });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
