// What arrives: cursors and JSON.

/** Splits a cursor into its parts: `k3f9.31`, or a bare `31`. */
export function parseCursor(cursor) {
  const [, epoch = null, seq] = /^(?:([0-9a-z]+)\.)?(\d+)$/.exec(cursor) ?? [];
  return seq === undefined ? { epoch: null, seq: null } : { epoch, seq: Number(seq) };
}

/** Parses a message as a JSON object; returns an empty object if it is not JSON. */
export function parse(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
