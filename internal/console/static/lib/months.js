// Puts times into months and days, in UTC or in the time zone of the browser.

/** @typedef {"utc" | "local"} Zone */
/** @typedef {{year: number, month: number, day: number}} Day month is 1 to 12 */

/**
 * Returns the day of a time.
 * @param {number} seconds since 1970
 * @param {Zone} zone
 * @returns {Day}
 */
export function dayOf(seconds, zone) {
  const t = new Date(seconds * 1000);
  return zone === "utc"
    ? { year: t.getUTCFullYear(), month: t.getUTCMonth() + 1, day: t.getUTCDate() }
    : { year: t.getFullYear(), month: t.getMonth() + 1, day: t.getDate() };
}

/**
 * Returns the first second of a day. A month or day beyond its range continues in the next year or month.
 * @param {number} year
 * @param {number} month 1 to 12
 * @param {number} day
 * @param {Zone} zone
 * @returns {number} seconds since 1970
 */
export function startOf(year, month, day, zone) {
  return (zone === "utc" ? Date.UTC(year, month - 1, day) : new Date(year, month - 1, day).getTime()) / 1000;
}

const pad = (n) => String(n).padStart(2, "0");

/** Returns a month as YYYY-MM. */
export const monthKey = (d) => `${d.year}-${pad(d.month)}`;

/** Returns a day as YYYY-MM-DD. */
export const dayKey = (d) => `${monthKey(d)}-${pad(d.day)}`;

/**
 * Returns months in their order, beginning with the month of a time, without entries.
 * @param {number} now seconds since 1970
 * @param {number} count
 * @param {Zone} zone
 * @returns {{key: string, begin: number, end: number, count: number}[]} end is the first second of the next month
 */
export function monthsFrom(now, count, zone) {
  const { year, month } = dayOf(now, zone);
  return Array.from({ length: count }, (_, i) => {
    const begin = startOf(year, month + i, 1, zone);
    return { key: monthKey(dayOf(begin, zone)), begin, end: startOf(year, month + i + 1, 1, zone), count: 0 };
  });
}

/**
 * Counts times by month.
 * @param {number[]} times seconds since 1970
 * @param {number} now
 * @param {Zone} zone
 * @param {number} [count] number of months
 * @returns {{months: ReturnType<typeof monthsFrom>, earlier: number, later: number}} earlier and later are the
 *   numbers of times before and after the months
 */
export function countByMonth(times, now, zone, count = 12) {
  const out = { months: monthsFrom(now, count, zone), earlier: 0, later: 0 };
  for (const t of times) {
    const month = out.months.find((m) => t < m.end);
    if (!month) out.later++;
    else if (t < month.begin) out.earlier++;
    else month.count++;
  }
  return out;
}

/**
 * Returns the weeks of a month, each from Monday to Sunday. Days of other months are null.
 * @param {number} begin first second of the month
 * @param {Zone} zone
 * @returns {(Day | null)[][]}
 */
export function weeksOf(begin, zone) {
  const { year, month } = dayOf(begin, zone);
  const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const before = (new Date(Date.UTC(year, month - 1, 1)).getUTCDay() + 6) % 7;
  const days = [...Array(before).fill(null), ...Array.from({ length }, (_, i) => ({ year, month, day: i + 1 }))];
  while (days.length % 7) days.push(null);
  return Array.from({ length: days.length / 7 }, (_, i) => days.slice(7 * i, 7 * i + 7));
}

/** Returns the name of a month, such as "Dec 2026", of its key. */
export function monthName(key) {
  const [year, month] = key.split("-").map(Number);
  const name = new Date(Date.UTC(year, month - 1, 1)).toLocaleString("en", { month: "short", timeZone: "UTC" });
  return `${name} ${year}`;
}
