// The ages of a panel's last updates as a line, on a logarithmic scale that all panels share.

/** The scale of every sparkline, ms. Only `most` moves, to the next power of ten, and back when no panel needs it. */
export const scale = { least: 0.1, most: 1000 };

/** Widens the scale to the largest age that is in any panel, ms. */
export function fit(largest) {
  const most = Math.min(Math.max(10 ** Math.ceil(Math.log10(Math.max(largest, 1))), 100), 1e6);
  const changed = most !== scale.most;
  scale.most = most;
  return changed;
}

const SHOWN = 240;
const values = new Float64Array(SHOWN);

/** Where an age lies between the least (0) and the most (1) of the scale. */
function height(ms) {
  const part = Math.log10(Math.max(ms, scale.least) / scale.least) / Math.log10(scale.most / scale.least);
  return Math.min(Math.max(part, 0), 1);
}

/** Draws the ring's newest values. `ink`: the colours that the canvas takes from the style sheet. */
export function drawSparkline(canvas, ring, ink) {
  const context = fitted(canvas);
  const { width, height: tall } = sizeOf(canvas);
  const y = (ms) => tall - 3 - height(ms) * (tall - 10);
  context.clearRect(0, 0, width, tall);
  drawGrid(context, width, y, ink);
  const count = ring.copyTo(values);
  if (count === 0) return;
  const left = ink.gutter;
  const x = (i) => left + ((i + SHOWN - count) / (SHOWN - 1)) * (width - left - 3);
  context.strokeStyle = context.fillStyle = ink.colour;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let i = 0; i < count; i += 1) context.lineTo(x(i), y(values[i]));
  context.stroke();
  context.beginPath();
  context.arc(x(count - 1), y(values[count - 1]), 2.5, 0, 2 * Math.PI);
  context.fill();
}

function drawGrid(context, width, y, ink) {
  context.font = ink.smallFont;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  context.lineWidth = 1;
  for (let ms = scale.least * 10; ms <= scale.most; ms *= 10) {
    const line = Math.round(y(ms)) + 0.5;
    context.strokeStyle = ink.grid;
    context.beginPath();
    context.moveTo(ink.gutter, line);
    context.lineTo(width, line);
    context.stroke();
    const isLabelled = Math.round(Math.log10(scale.most / ms)) % 2 === 0;
    if (!isLabelled) continue;
    context.fillStyle = ink.muted;
    context.fillText(ms >= 1000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms)} ms`, ink.gutter - 4, line);
  }
}

/** The sizes of canvases in CSS pixels. To ask an element itself would have the browser lay out the page in mid-frame. */
const sizes = new WeakMap();
const observer = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) sizes.set(target, { width: contentRect.width, height: contentRect.height });
});

export function sizeOf(canvas) {
  if (!sizes.has(canvas)) {
    sizes.set(canvas, { width: canvas.clientWidth, height: canvas.clientHeight });
    observer.observe(canvas);
  }
  return sizes.get(canvas);
}

/** The canvas's context in CSS pixels, its bitmap as fine as the screen. */
export function fitted(canvas) {
  const size = sizeOf(canvas);
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(size.width * ratio);
  const height = Math.round(size.height * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
