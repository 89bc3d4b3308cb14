import assert from "node:assert/strict";
import test from "node:test";
import { duration, labelled, layout, linePath, margin, short, ticks } from "../../internal/console/static/lib/plot.js";

for (const [most, want] of [
  [0, [0, 1]], [1, [0, 0.5, 1]], [10, [0, 5, 10]], [7, [0, 2, 4, 6, 8]], [0.03, [0, 0.01, 0.02, 0.03]],
  [1234567, [0, 500000, 1000000, 1500000]], [NaN, [0, 1]],
]) {
  test(`ticks up to ${most}`, () => assert.deepEqual(ticks(most), want));
}

test("ticks of whole numbers", () => assert.deepEqual(ticks(2, 4, true), [0, 1, 2]));

test("ticks reach the maximum, and are not many", () => {
  for (let most = 1e-6; most < 1e12; most *= 1.37) {
    const all = ticks(most);
    assert.ok(all.at(-1) >= most * (1 - 1e-9) && all.length <= 7, `${most}: ${all}`);
  }
});

test("all values are inside the plot, also without a value", () => {
  const plot = layout({ width: 320, height: 160, values: [[0, 5, 9], [3, null, 17]] });
  for (const value of [0, 17]) assert.ok(plot.y(value) >= margin.top && plot.y(value) <= plot.base);
  for (const i of [0, 2]) assert.ok(plot.x(i) > margin.left && plot.x(i) < 320 - margin.right);
  assert.equal(layout({ width: 320, height: 160, values: [[]] }).ticks.length, 2);
});

test("a line has a gap where a value is missing", () => {
  const places = { x: (i) => i, y: (v) => v };
  assert.equal(linePath([1, 2, null, 3], places), "M0.0,1.0L1.0,2.0M3.0,3.0");
  assert.equal(linePath([null], places), "");
});

test("labels fit", () => {
  assert.deepEqual(labelled(12, 20, 60), [0, 3, 6, 9]);
  assert.deepEqual(labelled(2, 100, 60), [0, 1]);
  assert.deepEqual(labelled(0, 100, 60), []);
});

test("numbers in few characters", () => {
  assert.deepEqual([0, 999, 1234, 1.5e6, 0.25].map(short), ["0", "999", "1.23k", "1.5M", "0.25"]);
  assert.deepEqual([12, 1500, 2.5e6].map(duration), ["12 µs", "1.5 ms", "2.5 s"]);
});
