import assert from "node:assert/strict";
import test from "node:test";
import { countByMonth, dayKey, dayOf, monthName, monthsFrom, startOf, weeksOf } from "../../internal/console/static/lib/months.js";

process.env.TZ = "America/New_York";
const seconds = (text) => Date.parse(text) / 1000;

test("a time is in another month in UTC than in local time", () => {
  const t = seconds("2027-01-01T03:00:00Z");
  assert.equal(dayKey(dayOf(t, "utc")), "2027-01-01");
  assert.equal(dayKey(dayOf(t, "local")), "2026-12-31");
  const now = seconds("2026-12-15T12:00:00Z");
  assert.deepEqual(countByMonth([t], now, "utc").months.map((m) => m.count).slice(0, 2), [0, 1]);
  assert.deepEqual(countByMonth([t], now, "local").months.map((m) => m.count).slice(0, 2), [1, 0]);
});

for (const zone of ["utc", "local"]) {
  test(`months follow each other without a gap, ${zone}`, () => {
    const months = monthsFrom(seconds("2026-11-30T20:00:00Z"), 12, zone);
    assert.equal(months[0].key, "2026-11");
    assert.equal(months[11].key, "2027-10");
    months.slice(1).forEach((m, i) => assert.equal(m.begin, months[i].end));
  });

  test(`each time is counted once, ${zone}`, () => {
    const now = seconds("2026-11-30T20:00:00Z");
    const { months } = countByMonth([], now, zone);
    const times = [...months.flatMap((m) => [m.begin, m.end - 1]), months[0].begin - 1, months[11].end];
    const counted = countByMonth(times, now, zone);
    assert.deepEqual(counted.months.map((m) => m.count), Array(12).fill(2));
    assert.deepEqual([counted.earlier, counted.later], [1, 1]);
  });
}

test("the weeks of a month begin with Monday", () => {
  const weeks = weeksOf(startOf(2026, 11, 1, "local"), "local");
  assert.deepEqual(weeks[0].map((d) => d?.day ?? 0), [0, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual(weeks.at(-1).map((d) => d?.day ?? 0), [30, 0, 0, 0, 0, 0, 0]);
  assert.equal(weeksOf(startOf(2027, 2, 1, "utc"), "utc").length, 4);
  assert.equal(weeksOf(startOf(2028, 2, 1, "utc"), "utc").flat().filter(Boolean).length, 29);
});

test("the name of a month", () => assert.equal(monthName("2027-01"), "Jan 2027"));
