// What a browser reports about the page and the network.

/**
 * Reports until the signal is aborted: that the network or the page may be back, that the page goes, and that it is hidden.
 *
 * `online` and `offline` are hints, not facts: a server on this machine can be reached "offline", and one behind a broken
 * router cannot "online". So neither opens or closes anything: both are a reason to check.
 */
export function watchPage({ onback, onaway, onhidden }, signal) {
  const on = (target, type, act) => target?.addEventListener?.(type, act, { signal });
  on(globalThis, 'online', onback);
  on(globalThis, 'offline', onback);
  // A page with an open connection is not kept for the Back button; one that returns from there continues.
  on(globalThis, 'pagehide', onaway);
  on(globalThis, 'pageshow', (event) => event.persisted && onback());
  // A laptop that slept, or a tab that was frozen, says only this.
  on(globalThis.document, 'visibilitychange', () => (document.visibilityState === 'hidden' ? onhidden() : onback()));
}
