import assert from "node:assert/strict";
import { test } from "node:test";
import { toHex, utf8 } from "../../internal/console/static/lib/bytes.js";
import { decodeBase64, decodeHex } from "../../internal/console/static/material/decode.js";

test("base64", () => {
  for (const [text, want] of [
    ["AA==", "00"],
    ["AA", "00"],
    ["AAE=", "0001"],
    ["AAEC", "000102"],
    ["-_-_", "fbffbf"],
    ["+/+/", "fbffbf"],
    ["A A\nE\tC\r\n", "000102"],
  ])
    assert.equal(toHex(decodeBase64(utf8(text))), want, text);
  const bad = ["", " ", "=", "A", "AAAAA", "AA=", "AA=A", "AAE==", "AAA===", "AB", "AAF", "AA!A", "AAÄA", "A=A="];
  for (const text of bad) assert.equal(decodeBase64(utf8(text)), null, text);
});

test("hexadecimal", () => {
  for (const text of ["00fF", "0x00ff", "0X00FF", "00:ff", " 00 ff\n", "0\n0ff"])
    assert.equal(toHex(decodeHex(utf8(text))), "00ff", text);
  for (const text of ["", "0x", "0", "00f", "0g", "00-ff", "x00", "00ff@", "00ff`"])
    assert.equal(decodeHex(utf8(text)), null, text);
});
