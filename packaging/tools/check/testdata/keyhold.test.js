// What a project that uses the npm package would test.
import assert from "node:assert/strict";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  CreateKeyCommand, DecryptCommand, DescribeKeyCommand, EnableKeyRotationCommand, EncryptCommand, KMSClient,
  ListKeyRotationsCommand,
} from "@aws-sdk/client-kms";
import { start } from "keyhold";

const day = 24 * 3600 * 1000;
let server, kms;
before(async () => {
  server = await start();
  kms = new KMSClient(server.client());
});
after(() => server.stop());

test("a round trip", async () => {
  const { KeyMetadata: { KeyId } } = await kms.send(new CreateKeyCommand({}));
  const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId, Plaintext: Buffer.from("hello") }));
  const { Plaintext } = await kms.send(new DecryptCommand({ CiphertextBlob }));
  assert.equal(Buffer.from(Plaintext).toString(), "hello");
});

test("the clock moves", async () => {
  const { KeyMetadata: { KeyId } } = await kms.send(new CreateKeyCommand({}));
  await kms.send(new EnableKeyRotationCommand({ KeyId }));
  const earlier = await server.now();
  assert.ok((await server.moveClock(366 * day)) - earlier >= 366 * day);
  assert.equal((await kms.send(new ListKeyRotationsCommand({ KeyId }))).Rotations.length, 1);
  await assert.rejects(server.moveClock(-day));
});

test("a seed file", async () => {
  const seed = join(await mkdtemp(join(tmpdir(), "keyhold-")), "seed.toml");
  await writeFile(seed, `[[key]]\nid = "11111111-1111-4111-8111-111111111111"\naliases = ["alias/seeded"]\n`);
  const seeded = await start({ seed });
  const { KeyMetadata } = await new KMSClient(seeded.client()).send(new DescribeKeyCommand({ KeyId: "alias/seeded" }));
  assert.match(KeyMetadata.KeyId, /^11111111-/);
  await seeded.stop();
  await assert.rejects(new KMSClient({ ...seeded.client(), maxAttempts: 1 }).send(new DescribeKeyCommand({ KeyId: "alias/seeded" })));
});

test("a wrong seed file", async () => {
  await assert.rejects(start({ seed: "/missing.toml" }), /missing\.toml/);
});
