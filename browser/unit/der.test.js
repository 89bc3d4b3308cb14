import assert from "node:assert/strict";
import { test } from "node:test";
import { fromHex, toHex } from "../../internal/console/static/lib/bytes.js";
import { OCTET_STRING, integer, read, write } from "../../internal/console/static/material/der.js";

test("lengths are in their shortest form", () => {
  for (const size of [0, 1, 127, 128, 255, 256, 2000]) {
    const { tag, value, rest } = read(write(OCTET_STRING, new Uint8Array(size).fill(7)));
    assert.deepEqual([tag, value.length, rest.length], [OCTET_STRING, size, 0]);
  }
  for (const bad of ["", "04", "0401", "04810107", "0482000107", "0480", "04830000ff", "0482ff", "048180"])
    assert.throws(() => read(fromHex(bad)), /DER/, bad);
});

test("integers are positive and in their shortest form", () => {
  for (const [octets, want] of [["00", "020100"], ["0000ff", "020200ff"], ["7f", "02017f"], ["0100", "02020100"]])
    assert.equal(toHex(integer(fromHex(octets))), want);
});
