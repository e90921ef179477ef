// The page's server: its counters, whether it answers, and what to do when another process has taken its place. All of
// it is requested from the page's origin, so that it uses no connection of the panels.

import { button, show } from './dom.js';
import { ENDPOINTS } from './endpoints.js';
import { OPEN } from './feed-client.js';
import { Total } from './stats.js';

const STATS_MS = 500;      // between two requests for the counters
const LAB_EVERY_MS = 5000; // between two attempts to open another lab
const COUNTERS = ['bytes_out', 'bytes_in', 'keepalive_bytes'];

const COUNTED = {
  lab: 'Bytes are those at the sockets of this tab’s own server, for all its connections: headers, framing and payload.',
  direct: 'Bytes are those at the server’s sockets since this page was opened, for all clients. If the browser uses one '
    + 'connection for several endpoints, its bytes count toward the one that it requested first.',
};
const RESUMED = 'The panels went on from their cursors; one that says “reset” found another feed.';

export class Server {
  /** `sse.bytes_out` → what the server counted since the page was opened. */
  #totals = new Map();
  #answers = true;
  #process = null;
  #isRenewing = false;

  constructor(app) {
    this.app = app;
    show('#counted', COUNTED[app.mode]);
  }

  async watch() {
    for (;;) {
      await pause(STATS_MS);
      await this.read();
    }
  }

  /** Reads and shows the counters. */
  async read() {
    const { app } = this;
    try {
      const stats = app.tab ? (await app.tab.state()).stats : await readStats();
      if (!stats) return; // this tab's server is being restarted
      this.#heard(stats.instance);
      this.#show(stats);
    } catch (error) {
      if (app.tab && error.status === 404) await this.#renewLab();
      else if (this.#answers) this.#tell(false, `the server does not answer (${error.message}); this page keeps asking.`);
    }
  }

  /** Starts counting again. */
  restart() {
    this.#totals.forEach((total) => total.restart());
  }

  #show({ instance, endpoints }) {
    for (const [endpoint, panel] of this.app.panels) {
      const [down, up, keepalive] = COUNTERS.map((name) => this.#total(`${endpoint}.${name}`).read(instance, endpoints[endpoint][name]));
      panel.counted = { down, up };
      // Scripts cannot see comments and pings: only the server's counter shows that there were some.
      const isNew = ENDPOINTS[endpoint].isStream && keepalive > (panel.keptAlive ?? keepalive);
      if (isNew && this.app.tab && panel.word === OPEN) this.app.emit('keepalive', { endpoint });
      panel.keptAlive = keepalive;
    }
  }

  #total(key) {
    if (!this.#totals.has(key)) this.#totals.set(key, new Total());
    return this.#totals.get(key);
  }

  /** Says something until OK is pressed. */
  #tell(answers, text) {
    this.#answers = answers;
    show('#server', `Since ${new Date().toLocaleTimeString()}: ${text} `);
    document.querySelector('#server').append(button('OK', () => show('#server', '')));
  }

  /** Without a lab, another process is a restart. (In a lab, lessons restart the server too.) */
  #heard(process) {
    const isOther = !this.app.tab && this.#process !== null && this.#process !== process;
    this.#process = process;
    if (this.#answers && !isOther) return;
    this.#tell(true, isOther ? `another process of the server answers. ${RESUMED}` : 'the server answers again.');
    this.app.panels.forEach((panel) => panel.check());
  }

  /** Opens another lab, with the settings in the address, and moves the panels there. */
  async #renewLab() {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    const { app } = this;
    app.emit('stopall', {}); // what a lesson holds is gone
    try {
      await app.tab.open();
      app.controls.renew();
      app.setEndpoints(app.tab.endpoints);
      app.panels.forEach((panel) => panel.isConnected && panel.reconnect());
      this.#tell(true, `this tab has another lab, with the settings in its address: the server was restarted, or nothing used the lab for three minutes. ${RESUMED}`);
    } catch (error) {
      this.#tell(false, `this tab’s lab has ended, and there is no other (${error.message}); this page keeps asking.`);
      await pause(LAB_EVERY_MS);
    }
    this.#isRenewing = false;
  }
}

/** The counters of the server that the page is from. */
export async function readStats() {
  const answer = await fetch('stats', { cache: 'no-store', signal: AbortSignal.timeout(3000) });
  if (!answer.ok) throw new Error(`/stats: status ${answer.status}`);
  return answer.json();
}

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));
