import assert from "node:assert/strict";
import { test } from "node:test";
import { toBase64 } from "../../internal/console/static/lib/bytes.js";
import { parametersFile, readWrapped } from "../../internal/console/static/material/files.js";
import { folder, makeKey, openssl, rsa } from "./openssl.js";

const arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const good = {
  Format: "keyhold-wrapped-material-v1",
  KeyId: arn,
  EncryptedKeyMaterial: "AAAA",
  ImportToken: "AAEC",
  KeyMaterialId: "0".repeat(64),
  PublicKeyFingerprint: "0000 0000",
  ParametersValidTo: "2030-01-31T12:00:00Z",
};

test("the file of parameters", async (t) => {
  const publicKey = makeKey(folder(t), ...rsa(2048)).publicKey;
  const answer = { KeyId: arn, PublicKey: toBase64(publicKey), ImportToken: "AAEC", ParametersValidTo: 1895918400.25 };
  const text = await parametersFile(answer, "HMAC_256", "RSAES_OAEP_SHA_256");
  const file = JSON.parse(text);
  const sum = Buffer.from(openssl(folder(t), ["dgst", "-sha256", "-binary", "k"], { k: publicKey })).toString("hex");
  assert.equal(file.PublicKeyFingerprint.replaceAll(" ", ""), sum);
  assert.equal(file.ParametersValidTo, "2030-01-29T12:00:00Z");
  assert.deepEqual(Object.keys(file), [
    "Format",
    "KeyId",
    "KeySpec",
    "WrappingAlgorithm",
    "PublicKey",
    "PublicKeyFingerprint",
    "ImportToken",
    "ParametersValidTo",
  ]);
  assert.throws(() => readWrapped(text), /file of parameters/);
});

test("the file of wrapped material", () => {
  const file = readWrapped(JSON.stringify(good));
  assert.deepEqual([file.arn, file.material, file.token, file.publicKey], [arn, "AAAA", "AAEC", null]);
  assert.deepEqual(
    readWrapped(JSON.stringify({ ...good, MaterialPublicKey: "AQID" })).publicKey,
    new Uint8Array([1, 2, 3]),
  );
  for (const [text, error] of [
    ["", /not JSON/],
    ["{", /not JSON/],
    ["null", /Format/],
    ["[]", /Format/],
    ["{}", /Format/],
    [JSON.stringify({ ...good, Other: "a" }), /"Other" is unknown/],
    [JSON.stringify({ ...good, KeyId: 1 }), /KeyId is not text/],
    [JSON.stringify({ ...good, KeyId: "arn" }), /not the ARN/],
    [JSON.stringify({ ...good, MaterialPublicKey: "" }), /is empty/],
    [JSON.stringify({ ...good, EncryptedKeyMaterial: "A" }), /EncryptedKeyMaterial is not base64/],
    [JSON.stringify({ ...good, KeyMaterialId: "0" }), /64 lower-case/],
    [JSON.stringify({ ...good, ParametersValidTo: "x" }), /not a time/],
    ...Object.keys(good)
      .slice(1)
      .map((name) => [JSON.stringify({ ...good, [name]: undefined }), new RegExp(`${name} is missing`)]),
  ])
    assert.throws(() => readWrapped(text), error, text);
});
