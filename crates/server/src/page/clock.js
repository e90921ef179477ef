// The current Unix time, µs: finer than Date.now(), and corrected to it when the two differ, as they do after the machine
// slept (performance.now() may stop meanwhile) or its clock was set.

let drift = 0;

export function nowUs() {
  const fine = performance.timeOrigin + performance.now() + drift;
  const off = Date.now() - fine;
  if (Math.abs(off) > 5) drift += off;
  return (Math.abs(off) > 5 ? fine + off : fine) * 1000;
}
