// Computes the geometry of small plots. plotview.js draws them.

/**
 * Returns round numbers for an axis from 0 to at least a maximum.
 * @param {number} most
 * @param {number} [count] about how many steps
 * @param {boolean} [whole] whether only whole numbers have a meaning
 * @returns {number[]}
 */
export function ticks(most, count = 4, whole = false) {
  const least = whole ? 1 : Number.MIN_VALUE;
  if (!(most > 0)) return [0, 1];
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].find((n) => n * power >= rough * (1 - 1e-9)) * power, least);
  const steps = Math.ceil(most / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/**
 * Returns a number in few characters, such as 1.2k.
 * @param {number} n
 * @returns {string}
 */
export function short(n) {
  for (const [limit, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (Math.abs(n) >= limit) return `${Number((n / limit).toPrecision(3))}${unit}`;
  }
  return String(Number(n.toPrecision(3)));
}

/**
 * Returns a duration with its unit.
 * @param {number} us microseconds
 * @returns {string}
 */
export function duration(us) {
  if (us >= 1e6) return `${Number((us / 1e6).toPrecision(3))} s`;
  return us >= 1e3 ? `${Number((us / 1e3).toPrecision(3))} ms` : `${Number(us.toPrecision(3))} µs`;
}

/** The edges of the area that has the data, inside a plot. */
export const margin = { left: 46, right: 8, top: 8, bottom: 26 };

/**
 * Returns the places of a plot.
 * @param {{width: number, height: number, values: (number | null)[][], whole?: boolean}} plot values has a list of
 *   the same length for each series
 * @returns {{x: (i: number) => number, y: (value: number) => number, step: number, base: number,
 *   ticks: {at: number, value: number}[]}} x is the middle of a value's column, step the width of a column
 */
export function layout({ width, height, values, whole = false }) {
  const most = values.flat().reduce((m, v) => Math.max(m, v ?? 0), 0);
  const marks = ticks(most, 4, whole);
  const base = height - margin.bottom;
  const step = (width - margin.left - margin.right) / Math.max(values[0]?.length ?? 0, 1);
  const y = (value) => base - (value / marks.at(-1)) * (base - margin.top);
  return {
    x: (i) => margin.left + (i + 0.5) * step, y, step, base,
    ticks: marks.map((value) => ({ at: y(value), value })),
  };
}

/**
 * Returns the path of a line. A null is a gap.
 * @param {(number | null)[]} values
 * @param {ReturnType<typeof layout>} places
 * @returns {string} the attribute d of an SVG path
 */
export function linePath(values, { x, y }) {
  let down = false;
  const parts = [];
  values.forEach((value, i) => {
    if (value !== null) parts.push(`${down ? "L" : "M"}${x(i).toFixed(1)},${y(value).toFixed(1)}`);
    down = value !== null;
  });
  return parts.join("");
}

/**
 * Returns the indexes of labels that fit below an axis.
 * @param {number} count number of values
 * @param {number} step width of a value's column
 * @param {number} room width of a label
 * @returns {number[]}
 */
export function labelled(count, step, room) {
  const every = Math.max(1, Math.ceil(room / step));
  return Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every);
}
