import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";
import { NotProved, decodeBase64, leafHash, parseProof, parseVerifierKey, rootOf, verifyProof } from "../../internal/console/static/lib/merkle.js";

// keyhold audit prove made the proofs.
const { verifierKey, proofs } = JSON.parse(readFileSync(new URL("testdata/proofs.json", import.meta.url)));

for (const { line, proof } of proofs) {
  const { index } = parseProof(proof);
  test(`line ${index} is proved`, async () => {
    const proved = await verifyProof(line, proof, verifierKey);
    assert.equal(proved.index, index);
    assert.equal(proved.origin, verifierKey.split("+")[0]);
    assert.equal(proved.signed, true);
  });
}

const { line, proof } = proofs[2];

test("a proof with one other character is not a proof", async () => {
  for (let at = 0; at < proof.length; at++) {
    const other = proof[at] === "A" ? "B" : "A";
    const altered = proof.slice(0, at) + other + proof.slice(at + 1);
    await assert.rejects(verifyProof(line, altered, verifierKey), NotProved, `character ${at} of ${proof}`);
  }
});

test("a proof that is cut is not a proof", async () => {
  for (let at = 0; at < proof.length; at++) {
    await assert.rejects(verifyProof(line, proof.slice(0, at), verifierKey), NotProved, proof.slice(0, at));
  }
});

test("another line is not proved", async () => {
  for (const other of [line + "\n", line.slice(0, -1), line.replace("CreateKey", "CreateKez"), proofs[0].line, ""]) {
    await assert.rejects(verifyProof(other, proof, verifierKey), NotProved);
  }
});

test("another verifier key does not prove", async () => {
  const [name, id, key] = verifierKey.split("+");
  const raw = decodeBase64(key);
  raw[5] ^= 1;
  const hash = (raw) => createHash("sha256").update(name + "\n").update(raw).digest("hex").slice(0, 8);
  const text = (raw) => `${name}+${hash(raw)}+${Buffer.from(raw).toString("base64")}`;
  await assert.rejects(verifyProof(line, proof, text(raw)), NotProved);
  const kind = decodeBase64(key);
  kind[0] = 4; // the key of a witness
  for (const bad of ["", name, `${name}+${id}`, `${name}+00000000+${key}`, text(kind), `${name}+${id}+${key.slice(4)}`,
    `other${verifierKey}`]) {
    await assert.rejects(parseVerifierKey(bad).then((k) => verifyProof(line, proof, bad)), NotProved, bad);
  }
});

test("each leaf of each tree of up to 20 leaves leads to the root, and to no other", async () => {
  const node = (a, b) => createHash("sha256").update(Uint8Array.of(1)).update(a).update(b).digest();
  const largest = (n) => { let k = 1; while (k * 2 < n) k *= 2; return k; };
  const root = (d) => (d.length === 1 ? d[0] : node(root(d.slice(0, largest(d.length))), root(d.slice(largest(d.length)))));
  const path = (m, d) => { // RFC 6962, section 2.1.1
    if (d.length === 1) return [];
    const k = largest(d.length);
    return m < k ? [...path(m, d.slice(0, k)), root(d.slice(k))] : [...path(m - k, d.slice(k)), root(d.slice(0, k))];
  };
  const leaves = await Promise.all(Array.from({ length: 20 }, (_, i) => leafHash(`line ${i}`)));
  for (let size = 1; size <= leaves.length; size++) {
    const tree = leaves.slice(0, size);
    for (let m = 0; m < size; m++) {
      const got = await rootOf(tree[m], BigInt(m), BigInt(size), path(m, tree));
      assert.deepEqual(Buffer.from(got), Buffer.from(root(tree)));
      if (size === 1) continue;
      await assert.rejects(rootOf(tree[m], BigInt(m), BigInt(size), path(m, tree).slice(1)), NotProved);
      await assert.rejects(rootOf(tree[m], BigInt(m), BigInt(size), [...path(m, tree), tree[0]]), NotProved);
    }
  }
});
