// This tab's lab: a server of its own and a proxy before each of its endpoints. All orders travel on the page's own origin,
// so that none of them takes a connection from what is being shown.

import { isFree, PARAMETERS, readQuery } from './url-state.js';
import { presetValues } from './presets.js';

/**
 * Opens a lab for this tab, set as the URL says.
 * @returns {Promise<Tab>}
 * @throws {Error} when there is none to be had; the message is why, for the user.
 */
export async function openLab() {
  const asked = await fetch('lab', { cache: 'no-store' });
  if (asked.status === 404) {
    throw new Error('this server has none (“feedlab serve” without --no-lab has)');
  }
  const { available, why } = await asked.json();
  if (!available) throw new Error(why);
  const tab = new Tab(await order('POST', 'lab/tabs', {}));
  await tab.followUrl();
  tab.leaveNothing();
  return tab;
}

class Tab extends EventTarget {
  /** The path of this tab's API. */
  #path;

  constructor({ id, endpoints, shared, secure, settings }) {
    super();
    Object.assign(this, { id, endpoints, shared, secure });
    this.#path = `lab/tabs/${id}`;
    /** The settings that the lab began with, and those of now. */
    this.defaults = lab(settings);
    this.now = { ...this.defaults };
  }

  /** Changes settings; `{settings, restarted}`. Those of the server restart it, on the same port. */
  async settings(patch) {
    const answer = await this.#order('PUT', '/settings', patch);
    this.now = this.#inForce(answer.settings);
    return answer;
  }

  /** While the feed is the one of `feedlab serve`, what was last asked of another feed holds for nothing. */
  #inForce(settings) {
    const now = lab(settings);
    for (const p of PARAMETERS) if (p.name in now && !isFree(p, now.source)) now[p.name] = this.defaults[p.name];
    return now;
  }

  /** Lets something break; `{hit, open}` connections. */
  fault(endpoint, kind, forMs = 0) {
    return this.#order('POST', '/fault', { endpoint, kind, for_ms: forMs });
  }

  /** Ends what lasts. */
  heal() {
    return this.#order('POST', '/heal');
  }

  /** The server goes away, and comes back with the same feed, as in a deploy. */
  restart(downMs = 1000) {
    return this.#order('POST', '/restart', { down_ms: downMs });
  }

  /** Settings, the server's own figures, and those of the proxies. */
  state() {
    return this.#order('GET', '');
  }

  /** Settings that the address bar asks for. What cannot be had is told later, by the controls. */
  async followUrl() {
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
   * What has to change for `wanted` to hold. The feed of `feedlab serve` itself is not to be changed: who asks for
   * another rate or history gets a synthetic feed.
   */
  changes(wanted) {
    const known = PARAMETERS.filter(({ name, side }) => side !== 'client' && name in wanted);
    const differs = ({ name }) => wanted[name] !== this.now[name];
    const asked = wanted.source ?? this.now.source;
    const leaves = asked === 'own' && this.now.source === 'own' && known.some((p) => differs(p) && !isFree(p, 'own'));
    const source = leaves ? 'synthetic' : asked;
    const moves = source !== this.now.source;
    const told = known.filter((p) => isFree(p, source) && (differs(p) || (moves && p.side === 'server')));
    return Object.fromEntries([...told.map(({ name }) => [name, wanted[name]]), ...(moves ? [['source', source]] : [])]);
  }

  /** Gives the lab back when the page ends. (One that nobody asks for its state for three minutes ends by itself.) */
  leaveNothing() {
    addEventListener('pagehide', () => navigator.sendBeacon(`${this.#path}/close`));
    // A page that comes out of the back/forward cache finds its lab gone.
    addEventListener('pageshow', (event) => event.persisted && location.reload());
  }

  async #order(method, path, body) {
    try {
      return await order(method, this.#path + path, body);
    } catch (error) {
      if (error.status === 404) this.dispatchEvent(new Event('lost'));
      throw error;
    }
  }
}

/** The settings that this page knows; `buffer_bytes: null` and 0 are the same. */
function lab(settings) {
  const known = PARAMETERS.filter(({ name, side }) => side !== 'client' && name in settings);
  return Object.fromEntries(known.map(({ name, fallback }) => [name, settings[name] ?? fallback ?? null]));
}

async function order(method, path, body) {
  const answer = await fetch(path, { method, cache: 'no-store', body: body && JSON.stringify(body),
    headers: body && { 'Content-Type': 'application/json' } });
  const text = await answer.text();
  const json = parsed(text);
  if (answer.ok) return json;
  throw Object.assign(new Error(json?.error ?? json?.why ?? (text.trim() || `${method} ${path}: ${answer.status}`)), { status: answer.status });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
