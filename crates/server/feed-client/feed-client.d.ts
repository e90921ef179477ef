// The types of feedlab's client library. docs/client.md explains what they mean.

/** A transport of the feed. */
export type Endpoint = 'short-polling' | 'long-polling' | 'sse' | 'websocket';

export declare const CONNECTING: 'connecting';
export declare const OPEN: 'open';
export declare const PAUSED: 'paused';
export declare const CLOSED: 'closed';
export declare const GAVE_UP: 'closed — gave up';

/** The states of a connection. Between retries the state is `CONNECTING`, with `retryInMs`. */
export type State =
  | typeof CONNECTING | typeof OPEN | typeof PAUSED | typeof CLOSED | typeof GAVE_UP;

/** An update of the feed. */
export interface Update {
  /** 1, 2, 3 … without holes, within an epoch. */
  seq: number;
  epoch?: string | null;
  /** When the update was due, µs of Unix time. */
  at: number;
  type: string;
  /** Text; the bytes of a WebSocket's binary frame. */
  data: string | Uint8Array;
  /** `base64` if `data` is the text form of bytes. */
  encoding?: 'base64';
  /** The message that brought it, for display. */
  raw: string | ArrayBuffer;
  /** When it arrived, µs of Unix time. */
  receivedAt: number;
}

/** Updates that are lost, both ends included. `again`: the server never had them, and will number others so. */
export interface Gap {
  from: number;
  to: number;
  again?: boolean;
}

/** The feed started over: everything after `asked` in its epoch is lost, and `resume` is where it continues. */
export interface Reset {
  asked: string | null;
  resume: string;
}

/** Why a connection or an attempt ended, and what happens next unless `onfailure` decides otherwise. */
export interface Failure {
  endpoint: Endpoint;
  reason: string;
  /** The HTTP status, if there was one; a WebSocket hides it. */
  status: number | null;
  /** The WebSocket close code. */
  code: number | null;
  /** How many failures there were in a row, this one included. */
  failures: number;
  /** Whether the client gives up. */
  final: boolean;
  /** Otherwise, how long it waits. */
  retryInMs: number;
}

type Given<T> = T | ((endpoint: Endpoint) => T | Promise<T>);

export interface Callbacks {
  onupdate?(update: Update): void;
  onduplicate?(update: Update): void;
  ongap?(gap: Gap): void;
  onreset?(reset: Reset): void;
  onstate?(state: State, detail: { reason: string; retryInMs: number | null }): void;
  /** Decides: `false` gives up, `true` retries after `retryInMs`, a number retries after that many ms. */
  onfailure?(failure: Failure): boolean | number | void;
  /** Takes what another callback threw; without it, `reportError` does. */
  onerror?(error: unknown, callback: string): void;
  /** Anything arrived. */
  onheard?(): void;
  /** Something arrived that is not an update, and shows that the connection works. */
  onkeepalive?(): void;
  onrequeststart?(request: { at: number }): void;
  onrequest?(request: { startedAt: number; useful: boolean; response?: Response | { status: number } }): void;
}

/** What can be changed while a client runs. */
export interface Settings {
  /** Short polling: from the start of one request to the start of the next. Default: 1000. */
  intervalMs?: number;
  /** Long polling: how long the server may hold a request. Default: 25000. */
  holdMs?: number;
  /** Polls: how long a response may take, on top of its hold. Default: 10000. */
  answerMs?: number;
  /** A stream that is silent for this long is checked; 0 turns this off. Default: 45000, on the ladder 10000. */
  silenceMs?: number;
}

export interface Options extends Settings, Callbacks {
  /** The server, with the path below which its endpoints are; relative to the page. Asked before each attempt. */
  url: Given<string | URL>;
  /** A stored cursor. `null` starts at the newest update, 0 at the oldest that the server keeps. */
  after?: string | number | null;
  /** Paths that differ from those of docs/wire.md; `send` is where `send()` posts to. */
  paths?: Partial<Record<Endpoint | 'send', string>>;
  headers?: Given<Record<string, string> | null>;
  /** Sent as `Authorization: Bearer …`. */
  token?: Given<string | null>;
  credentials?: RequestCredentials;
  /** WebSocket: the subprotocols to offer. */
  protocols?: string | string[];
  /** Closes the client when it is aborted. */
  signal?: AbortSignal | null;
  /** Consecutive failures after which it gives up. Default: Infinity, on the ladder 3. */
  tries?: number;
  whileHidden?: 'stay' | 'pause';
  /** The clock for `receivedAt`: Unix time, µs. Default: `Date.now() * 1000`. */
  nowUs?(): number;
  /** Whether all connections that the browser allows to this origin are in use: silence then proves nothing. */
  isStarved?(link: Link): boolean;
}

/** A connection. */
export interface Link {
  readonly endpoint: Endpoint;
  readonly state: State;
  readonly epoch: string | null;
  readonly seq: number | null;
  /** The position in the feed, to store and to pass as `after`. `null` until something arrives. */
  readonly cursor: string | null;
  /** Continues after the last update. */
  open(): void;
  /** Closes; no callback but `onstate` is called after this. */
  close(): void;
  /** Drops the connection as if it had been lost. */
  cut(reason?: string): void;
  /** Tries again now instead of later, or checks whether an open connection still works. */
  check(): void;
  /** Publishes text or bytes. Resolves with the sequence number that the server acknowledged. */
  send(data: string | ArrayBuffer | Uint8Array, options?: { type?: string }): Promise<number>;
  /** Changes these options while it runs. */
  set(settings: Settings): void;
}

/** Follows a feed over one endpoint. */
export declare function connect(options: Options & { endpoint: Endpoint }): Link;

export interface LadderOptions extends Options {
  /** How long a lower rung is used before those above are tried again, up to twice that. Default: 60000. */
  climbMs?: number;
  onrung?(endpoint: Endpoint, detail: { reason: string }): void;
}

/** Follows a feed over the first endpoint that works. */
export declare function ladder(endpoints: readonly Endpoint[], options: LadderOptions): Link;

/** Exponential backoff with full jitter, ms. */
export declare function backoff(failures: number): number;
