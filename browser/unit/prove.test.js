import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { concat, fromBase64, fromHex, toBase64, toHex, utf8 } from "../../internal/console/static/lib/bytes.js";
import { derive, fingerprint, keyIdOf, keyMaterialId } from "../../internal/console/static/material/ids.js";
import { mac, openCiphertext, prove } from "../../internal/console/static/material/prove.js";
import { ec, folder, makeKey, openssl } from "./openssl.js";

// The vectors of the server, which Python made: internal/crypt/testdata/golden.py.
const golden = Object.fromEntries(
  readFileSync(new URL("../../internal/crypt/testdata/golden.txt", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(": ")),
);
const material = new Uint8Array(32).map((_, i) => i);
const keyId = "1234abcd-12ab-34cd-56ef-1234567890ab";
const arn = `arn:aws:kms:us-east-1:111122223333:key/${keyId}`;

test("the key material ID is the one of the server, and of OpenSSL", async (t) => {
  assert.equal(await keyMaterialId(keyId, material), golden["material id"]);
  const info = `hexinfo:${toHex(utf8(`keyhold material id v1${keyId}`))}`;
  for (const size of [28, 32, 128, 1217]) {
    const bytes = crypto.getRandomValues(new Uint8Array(size));
    const args = [
      "kdf",
      "-binary",
      "-keylen",
      "32",
      "-kdfopt",
      "digest:SHA256",
      "-kdfopt",
      `hexkey:${toHex(bytes)}`,
      "-kdfopt",
      info,
      "HKDF",
    ];
    assert.equal(await keyMaterialId(keyId, bytes), toHex(openssl(folder(t), args)));
  }
  await assert.rejects(keyMaterialId(arn, material), /36 characters/);
  assert.equal(keyIdOf(arn), keyId);
  for (const bad of ["", keyId, `${arn}0`, arn.replace("kms", "s3"), arn.replace("key/", "alias/")])
    assert.throws(() => keyIdOf(bad), /not the ARN/);
});

test("the fingerprint of a wrapping key is its SHA-256", async (t) => {
  const path = folder(t);
  const { publicKey } = makeKey(path, ...ec("P-256"));
  const sum = toHex(openssl(path, ["dgst", "-sha256", "-binary", "k"], { k: publicKey }));
  assert.equal((await fingerprint(publicKey)).replaceAll(" ", ""), sum);
  assert.match(await fingerprint(publicKey), /^([0-9a-f]{4} ){15}[0-9a-f]{4}$/);
});

test("ciphertexts of the server open", async () => {
  for (const [name, plaintext, context] of [
    ["empty", "", {}],
    ["plain", "attack at dawn", {}],
    ["one pair", "attack at dawn", { purpose: "test" }],
    ["pairs by bytes", "Grüße, 鍵", { "": "", Z: "3", z: "2", é: "1", "\uffff": "5", "𝄞": "4" }],
  ]) {
    assert.equal(
      new TextDecoder().decode(await openCiphertext(material, fromBase64(golden[name]), context)),
      plaintext,
      name,
    );
  }
  const blob = fromBase64(golden.plain);
  await assert.rejects(openCiphertext(material, blob, { a: "b" }), /another encryption context/);
  await assert.rejects(openCiphertext(new Uint8Array(32), blob, {}), /other key material/);
  await assert.rejects(openCiphertext(material, blob.subarray(0, 172), {}), /not a ciphertext/);
  for (let at = 0; at < blob.length; at++) {
    const damaged = blob.slice();
    damaged[at] ^= 1;
    await assert.rejects(openCiphertext(material, damaged, {}), Error, `byte ${at}`);
  }
});

test("the MAC is the one of OpenSSL", async (t) => {
  for (const [hash, size] of [
    ["SHA-256", 32],
    ["SHA-384", 48],
    ["SHA-512", 128],
  ]) {
    const bytes = crypto.getRandomValues(new Uint8Array(size));
    const args = [
      "mac",
      "-binary",
      "-digest",
      hash.replace("-", ""),
      "-macopt",
      `hexkey:${toHex(bytes)}`,
      "-in",
      "m",
      "HMAC",
    ];
    assert.equal(toHex(await mac(hash, bytes, utf8("message"))), toHex(openssl(folder(t), args, { m: "message" })));
  }
});

/** Encrypts as the server does, with a false commitment if one is given. */
async function encrypt(plaintext, context, commitment) {
  const id = fromHex(await keyMaterialId(keyId, material));
  const header = concat([1], utf8("111122223333" + keyId), id, crypto.getRandomValues(new Uint8Array(32)));
  const derived = await derive(material, concat(utf8("keyhold ciphertext v1"), header), 64);
  const [nonce, number] = [new Uint8Array(12), (n) => [0, 0, 0, n]];
  const names = Object.entries(context).flatMap((pair) => pair.flatMap((text) => [number(text.length), utf8(text)]));
  const before = concat(header, commitment ?? derived.subarray(32));
  const additionalData = concat(before, number(Object.keys(context).length), ...names);
  const key = await crypto.subtle.importKey("raw", derived.subarray(0, 32), "AES-GCM", false, ["encrypt"]);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData }, key, plaintext);
  return concat(before, nonce, new Uint8Array(sealed));
}

test("a challenge", async () => {
  const server =
    (change) =>
    async (operation, { Plaintext, EncryptionContext }) => ({
      CiphertextBlob: toBase64(await change(fromBase64(Plaintext), EncryptionContext)),
    });
  assert.equal((await prove(server(encrypt), imported())).held.length, 2);
  const other = server((plaintext, context) => encrypt(plaintext.fill(0), context));
  await assert.rejects(prove(other, imported()), /encrypted other bytes/);
  const uncommitted = server((plaintext, context) => encrypt(plaintext, context, new Uint8Array(32)));
  await assert.rejects(prove(uncommitted, imported()), /damaged/);
});

/** Imported values, as the wizard gives them to prove. */
const imported = (more) => ({
  arn,
  spec: "SYMMETRIC_DEFAULT",
  bytes: material,
  publicKey: null,
  id: "1",
  serversId: "1",
  waits: "",
  ...more,
});

test("a proof that fails is an error, and one that the server refuses was not tried", async () => {
  const publicKey = new Uint8Array(91);
  const kinds = { Encrypt: {}, GenerateMac: { spec: "HMAC_256" }, GetPublicKey: { spec: "ECC_NIST_P256", publicKey } };
  for (const [operation, more] of Object.entries(kinds)) {
    for (const answer of [
      {},
      { CiphertextBlob: "AAAA", Mac: "AAAA", PublicKey: "AAAA" },
      { CiphertextBlob: golden.empty, Mac: "", PublicKey: "" },
    ]) {
      const call = async (asked) => (assert.equal(asked, operation), answer);
      await assert.rejects(prove(call, imported(more)), { name: "NotProved" });
    }
    const refuse = (name) => async () => {
      throw Object.assign(new Error("refused"), { name });
    };
    const proof = await prove(refuse("AccessDeniedException"), imported(more));
    assert.equal(proof.held.length, 1);
    assert.match(proof.notTried, /AccessDeniedException/);
    await assert.rejects(prove(refuse("KMSInternalException"), imported(more)), { name: "KMSInternalException" });
  }
  const never = async () => assert.fail("a call");
  await assert.rejects(prove(never, imported({ serversId: "2" })), { name: "NotProved" });
  for (const more of [{ waits: "it waits" }, { bytes: null }, { spec: "HMAC_224" }]) {
    const proof = await prove(never, imported(more));
    assert.deepEqual([proof.held.length, proof.notTried !== ""], [1, true]);
  }
});

test("a proof that holds", async () => {
  const code = async (hash, { Message }) => ({ Mac: toBase64(await mac(hash, material, fromBase64(Message))) });
  for (const spec of ["HMAC_256", "HMAC_384", "HMAC_512"]) {
    const proof = await prove((operation, body) => code(spec.replace("HMAC_", "SHA-"), body), imported({ spec }));
    assert.deepEqual([proof.held.length, proof.notTried], [2, ""]);
  }
  const publicKey = new Uint8Array(91).fill(3);
  const proof = await prove(
    async () => ({ PublicKey: toBase64(publicKey) }),
    imported({ spec: "ECC_NIST_P256", bytes: null, publicKey }),
  );
  assert.equal(proof.held.length, 2);
});
