import assert from "node:assert/strict";
import { test } from "node:test";
import { toHex } from "../../internal/console/static/lib/bytes.js";
import { localText, membersOf, problemOf, readLocal } from "../../internal/console/static/material/expiry.js";
import { generate } from "../../internal/console/static/material/generate.js";
import { Held } from "../../internal/console/static/material/held.js";

const arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

test("material is overwritten when other material comes, and at the end", async () => {
  const held = new Held();
  assert.throws(() => held.use(() => 1), /no longer in this page/);
  const [first, second] = [await generate("SYMMETRIC_DEFAULT"), await generate("ECC_NIST_P256")];
  const description = await held.take(first, arn);
  assert.ok(!JSON.stringify(description).includes(toHex(first.bytes)));
  assert.equal(
    held.use((bytes) => bytes),
    first.bytes,
  );
  assert.equal(new TextDecoder().decode(held.original().content), `${toHex(first.bytes)}\n`);
  await held.take(second, arn);
  assert.deepEqual(first.bytes, new Uint8Array(32));
  assert.ok(second.bytes.some((b) => b !== 0));
  held.wipe();
  assert.ok(second.bytes.every((b) => b === 0));
  assert.throws(() => held.original(), /no longer in this page/);
});

test("expiries", () => {
  const now = 1900000000;
  assert.match(problemOf(undefined, now), /Choose the date/);
  assert.match(problemOf(now, now), /has passed/);
  assert.match(problemOf(now + 365 * 86400 + 1, now), /365 days/);
  assert.equal(problemOf(now + 1, now), "");
  assert.equal(problemOf(now + 365 * 86400, now), "");
  assert.equal(readLocal(localText(now - (now % 60))), now - (now % 60));
  for (const bad of ["", "x", "2030-13-01T00:00"]) assert.equal(readLocal(bad), undefined);
  assert.deepEqual(membersOf(null), { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" });
  assert.deepEqual(membersOf(now), { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo: now });
});
