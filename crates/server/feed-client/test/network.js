// A network that only the test moves: fetch, EventSource and WebSocket end here.

export class Network {
  /** Every request, oldest first: its `url`, `at` (ms) and options. */
  requests = [];
  sources = [];
  sockets = [];
  /** Answers a request with a Response, or an Error for a connection that fails; without an answer it stays pending. */
  answer = () => new Promise(() => {});
  #real;

  constructor() {
    const { fetch, EventSource, WebSocket } = globalThis;
    this.#real = { fetch, EventSource, WebSocket };
    const { sources, sockets } = this;
    globalThis.fetch = (url, init) => this.#fetch(url, init);
    globalThis.EventSource = class extends Source {
      constructor(...values) { super(...values); sources.push(this); }
    };
    globalThis.WebSocket = class extends Socket {
      constructor(...values) { super(...values); sockets.push(this); }
    };
  }

  restore() {
    Object.assign(globalThis, this.#real);
  }

  /** The requests to an endpoint. */
  to(path) {
    return this.requests.filter(({ url }) => url.pathname.endsWith(path));
  }

  #fetch(url, init) {
    const request = { ...init, url: new URL(url), at: performance.now() };
    this.requests.push(request);
    return new Promise((resolve, reject) => {
      const stop = () => reject(init.signal.reason);
      if (init.signal.aborted) return stop();
      init.signal.addEventListener('abort', stop);
      const answered = Promise.resolve(this.answer(request));
      answered.then((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)), reject);
    });
  }
}

/** A poll's response. */
export function updates(from, to, more = {}) {
  const list = Array.from({ length: to - from + 1 }, (_, i) => update(from + i));
  return new Response(JSON.stringify({ updates: list, next: `k3f9.${to}`, gap: null, ...more }));
}

/** A poll's response without news. */
export const nothing = (seq) => updates(seq + 1, seq);

export const update = (seq) => ({ seq, at: 1, type: 'tick', data: `${seq}` });

export const status = (number, headers = {}) => new Response(null, { status: number, headers });

/** An event stream that is open; `signal` is the request's. */
export class Stream {
  #controller;

  constructor(signal) {
    const body = new ReadableStream({ start: (controller) => (this.#controller = controller) });
    signal.addEventListener('abort', () => this.breaks());
    this.response = new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  }

  brings(text) {
    this.#controller.enqueue(typeof text === 'string' ? new TextEncoder().encode(text) : text);
  }

  ends() {
    this.#controller.close();
  }

  breaks() {
    try {
      this.#controller.error(new TypeError('network error'));
    } catch {
      // it has ended
    }
  }
}

export const event = (seq, type = 'tick') => `id: k3f9.${seq}\nevent: ${type}\ndata: {"at":1,"data":"${seq}"}\n\n`;

class Source extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 2;
  readyState = 0;

  constructor(url, options) {
    super();
    Object.assign(this, { url: new URL(url), options });
  }

  opens() {
    this.readyState = 1;
    this.onopen?.(new Event('open'));
  }

  brings(seq, type = 'tick') {
    const lastEventId = `k3f9.${seq}`;
    if (this.readyState === 1) this.dispatchEvent(new MessageEvent(type, { data: '{"at":1,"data":"x"}', lastEventId }));
  }

  /** The connection ends or cannot be made: the browser will try again. */
  breaks() {
    if (this.readyState === 2) return;
    this.readyState = 0;
    this.onerror?.(new Event('error'));
  }

  /** Another status than 200: the browser will not try again. */
  fails() {
    this.readyState = 2;
    this.onerror?.(new Event('error'));
  }

  close() {
    this.readyState = 2;
  }
}

class Socket {
  sent = [];

  constructor(url, protocols) {
    Object.assign(this, { url: new URL(url), protocols });
  }

  opens(cursor = 'k3f9.0') {
    this.onopen?.();
    this.brings({ hello: { cursor } });
  }

  brings(message) {
    this.onmessage?.({ data: message instanceof ArrayBuffer ? message : JSON.stringify(message) });
  }

  closes(code, reason = '') {
    this.onclose?.({ code, reason });
  }

  send(data) {
    this.sent.push(data);
  }

  close() {
    this.isClosed = true;
  }
}
