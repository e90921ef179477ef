// The page: makes `app`, four panels and one animation frame, and hands `app` to the parts around it.

import { openLab } from './lab.js';
import { setUpControls } from './controls.js';
import { setUpPresets } from './presets.js';
import { setUpLessons } from './lessons.js';
import { setUpMeter } from './meter.js';
import { Panel } from './panel.js';
import { Timeline } from './timeline.js';

export const DOORS = ['short-polling', 'long-polling', 'sse', 'websocket'];

const app = {
  /** 'lab': a server of this tab's own, behind lab proxies. 'direct': the doors of the page's own origin. */
  mode: 'direct',
  /** Why there is no lab, a sentence; null when there is one. */
  why: null,
  /** The tab's lab, as `openLab()` gave it; null in direct mode. */
  tab: null,
  /** door → Panel */
  panels: new Map(),
  /** What this page decides: how often it polls, how long a long poll is held. */
  client: { interval_ms: 1000, hold_ms: 25000 },
  /** 'state' 'update' 'gap' 'duplicate' 'requeststart' 'request' 'keepalive' of each door (`detail.door`), 'stats' (the server's answer), 'ready'. */
  events: new EventTarget(),
  /** Whether every connection that the browser allows to this origin is in use; the meter may replace it. */
  isStarved: (_origin) => false,
  connectAll() { for (const panel of app.panels.values()) panel.connect(); },
  disconnectAll() { for (const panel of app.panels.values()) panel.disconnect(); },
  /** Connects anew, with the cursor that each panel has; `fresh` forgets it, and the counts with it. */
  reconnectAll({ fresh = false } = {}) { for (const panel of app.panels.values()) panel.reconnect({ fresh }); },
  /** Other addresses for the doors: `{ sse: 'http://127.0.0.1:1234', … }`. Takes effect when a panel connects. */
  setDoors(doors) { for (const [door, panel] of app.panels) if (doors[door]) panel.base = doors[door]; },
};
