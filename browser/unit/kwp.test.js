import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromHex, toHex } from "../../internal/console/static/lib/bytes.js";
import { wrapPadded } from "../../internal/console/static/material/kwp.js";
import { folder, openssl } from "./openssl.js";

async function wrapped(key, plaintext) {
  const aes = await crypto.subtle.importKey("raw", fromHex(key), "AES-CBC", false, ["encrypt"]);
  return toHex(await wrapPadded(aes, plaintext));
}

test("RFC 5649, section 6", async () => {
  const key = "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8";
  assert.equal(
    await wrapped(key, fromHex("c37b7e6492584340bed12207808941155068f738")),
    "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
  );
  assert.equal(await wrapped(key, fromHex("466f7250617369")), "afbeb0f07dfbf5419200f2ccb50bb24f");
});

test("the vectors of Wycheproof", async () => {
  const module = ["list", "-m", "-f", "{{.Dir}}", "github.com/c2sp/wycheproof"];
  const folder = execFileSync("go", module, { cwd: new URL("../..", import.meta.url), encoding: "utf8" }).trim();
  const { testGroups } = JSON.parse(readFileSync(join(folder, "testvectors_v1", "aes_kwp_test.json"), "utf8"));
  let compared = 0;
  for (const { tests } of testGroups) {
    for (const { key, msg, ct, result } of tests) {
      if (result !== "valid" || msg === "") continue;
      assert.equal(await wrapped(key, fromHex(msg)), ct);
      compared++;
    }
  }
  assert.ok(compared > 40, `${compared} vectors`);
});

test("OpenSSL wraps the same, in all sizes modulo 8", async (t) => {
  const path = folder(t);
  const key = "00112233445566778899aabbccddeeff".repeat(2);
  for (const size of [1, 7, 8, 9, 16, 17, 31, 32, 33, 138, 1217, 2375, 4096]) {
    const plaintext = new Uint8Array(size).map((_, i) => (i * 7 + size) & 0xff);
    const args = ["enc", "-id-aes256-wrap-pad", "-e", "-K", key, "-iv", "A65959A6", "-in", "m"];
    assert.equal(await wrapped(key, plaintext), toHex(openssl(path, args, { m: plaintext })), `${size} bytes`);
  }
});

test("nothing is not wrapped, and the plaintext is not changed", async () => {
  const plaintext = new Uint8Array(20).fill(7);
  await wrapped("00".repeat(32), plaintext);
  assert.deepEqual(plaintext, new Uint8Array(20).fill(7));
  await assert.rejects(wrapped("00".repeat(32), new Uint8Array()), /nothing to wrap/);
});
