import assert from "node:assert/strict";
import test from "node:test";

import { snippets } from "../../internal/console/static/lib/snippets.js";
import { usages } from "../../internal/console/static/lib/specs.js";

const members = { ENCRYPT_DECRYPT: "EncryptionAlgorithms", SIGN_VERIFY: "SigningAlgorithms", GENERATE_VERIFY_MAC: "MacAlgorithms",
  KEY_AGREEMENT: "KeyAgreementAlgorithms", ENCAPSULATE_DECAPSULATE: "EncapsulationAlgorithms" };

test("there are lines for keys of every spec and usage, which name the key and the algorithm", () => {
  for (const [KeySpec, all] of Object.entries(usages)) {
    for (const KeyUsage of all) {
      const key = { Arn: "arn:of:the:key", KeySpec, KeyUsage, [members[KeyUsage]]: ["ALGORITHM", "OTHER"] };
      const found = snippets(key, "http://127.0.0.1:1", "eu-west-2");
      assert.deepEqual(found.map(([name]) => name), ["AWS CLI", "Python", "JavaScript", "Go"], `${KeySpec} ${KeyUsage}`);
      for (const [name, text] of found) assert.match(text, /arn:of:the:key[^]*ALGORITHM/, `${KeySpec} ${KeyUsage} ${name}`);
    }
  }
});

test("the lines for keys that also sign digests sign messages", () => {
  const key = { Arn: "arn", KeyUsage: "SIGN_VERIFY", SigningAlgorithms: ["ED25519_PH_SHA_512", "ED25519_SHA_512"] };
  for (const [name, text] of snippets(key, "http://127.0.0.1:1", "eu-west-2")) assert.match(text, /ED25519_SHA_512/, name);
});
