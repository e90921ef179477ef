// The endpoints, in display order: each one's label, its path, and whether it is a stream.

export const ENDPOINTS = {
  'short-polling': { label: 'short polling', path: '/feed/poll', isStream: false },
  'long-polling': { label: 'long polling', path: '/feed/long-poll', isStream: false },
  sse: { label: 'SSE', path: '/feed/sse', isStream: true },
  websocket: { label: 'WebSocket', path: '/feed/ws', isStream: true },
};
