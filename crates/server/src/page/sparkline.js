// Draws the ages of a panel's last updates as a line, on a logarithmic scale that all panels share.

/** The scale of every sparkline, ms. Only `max` changes: to the next power of ten, and back when no panel needs it. */
export const scale = { min: 0.1, max: 1000 };

/** Fits the scale to the largest age of any panel, ms. Returns whether the scale changed. */
export function fit(largest) {
  const max = Math.min(Math.max(10 ** Math.ceil(Math.log10(Math.max(largest, 1))), 100), 1e6);
  const changed = max !== scale.max;
  scale.max = max;
  return changed;
}

const SHOWN = 240;
const values = new Float64Array(SHOWN);

/** The position of an age between the minimum (0) and the maximum (1) of the scale. */
function height(ms) {
  const part = Math.log10(Math.max(ms, scale.min) / scale.min) / Math.log10(scale.max / scale.min);
  return Math.min(Math.max(part, 0), 1);
}

/** Draws the ring's newest values. `ink`: the colors and fonts that the canvas takes from the style sheet. */
export function drawSparkline(canvas, ring, ink) {
  const context = fitted(canvas);
  const { width, height: tall } = sizeOf(canvas);
  const y = (ms) => tall - 6 - height(ms) * (tall - 12);
  context.clearRect(0, 0, width, tall);
  drawGrid(context, width, y, ink);
  const count = ring.copyTo(values);
  if (count === 0) return;
  const left = ink.gutter;
  const x = (i) => left + ((i + SHOWN - count) / (SHOWN - 1)) * (width - left - 3);
  context.strokeStyle = context.fillStyle = ink.color;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let i = 0; i < count; i += 1) context.lineTo(x(i), y(values[i]));
  context.stroke();
  context.beginPath();
  context.arc(x(count - 1), y(values[count - 1]), 2.5, 0, 2 * Math.PI);
  context.fill();
}

/** The labels of the scale: the largest value, the smallest, and every other power of ten between them. */
export function labels() {
  const found = [];
  for (let ms = scale.max; ms > scale.min * 50; ms /= 100) found.push([ms, ms >= 1000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms)} ms`]);
  return [...found, [scale.min, `${scale.min} ms`]];
}

function drawGrid(context, width, y, ink) {
  Object.assign(context, { font: ink.smallFont, textBaseline: 'middle', textAlign: 'right', fillStyle: ink.muted });
  for (let ms = scale.min; ms <= scale.max * 1.1; ms *= 10) {
    line(context, ink.grid, ink.gutter, Math.round(y(ms)) + 0.5, width);
  }
  for (const [ms, text] of labels()) context.fillText(text, ink.gutter - 4, Math.round(y(ms)) + 0.5);
}

/** Draws a straight line; a horizontal one, if only its end is given. */
export function line(context, color, x, y, toX, toY = y, wide = 1) {
  Object.assign(context, { strokeStyle: color, lineWidth: wide });
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(toX, toY);
  context.stroke();
}

/** The sizes of canvases in CSS pixels. Reading them from the element would force a layout in the middle of a frame. */
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

/** The canvas's context in CSS pixels, with a bitmap at the resolution of the screen. */
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
