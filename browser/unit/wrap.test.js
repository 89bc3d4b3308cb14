import assert from "node:assert/strict";
import { test } from "node:test";
import { toHex } from "../../internal/console/static/lib/bytes.js";
import { permits, wrappingKeySpecs } from "../../internal/console/static/material/specs.js";
import {
  algorithmsFor,
  notInPages,
  wrap,
  wrappedSize,
  wrappingAlgorithms,
} from "../../internal/console/static/material/wrap.js";
import { folder, makeKey, openssl, rsa } from "./openssl.js";

/** Unwraps with OpenSSL alone. */
function unwrap(path, name, bits, wrapped) {
  const hash = name.endsWith("SHA_1") ? "sha1" : "sha256";
  const decrypt = [
    "pkeyutl",
    "-decrypt",
    "-inkey",
    "key.pem",
    "-in",
    "w",
    "-pkeyopt",
    "rsa_padding_mode:oaep",
    "-pkeyopt",
    `rsa_oaep_md:${hash}`,
    "-pkeyopt",
    `rsa_mgf1_md:${hash}`,
  ];
  const opened = openssl(path, decrypt, { w: wrapped.subarray(0, bits / 8) });
  if (name.startsWith("RSAES")) return opened;
  return openssl(path, ["enc", "-d", "-id-aes256-wrap-pad", "-K", toHex(opened), "-iv", "A65959A6", "-in", "w"], {
    w: wrapped.subarray(bits / 8),
  });
}

test("OpenSSL unwraps what each algorithm wrapped", async (t) => {
  for (const bits of [2048, 3072, 4096]) {
    const path = folder(t);
    const { publicKey } = makeKey(path, ...rsa(bits));
    for (const name of wrappingAlgorithms) {
      for (const size of [32, 138, ...(name.startsWith("RSA_AES") ? [1217] : [])]) {
        const material = crypto.getRandomValues(new Uint8Array(size));
        const wrapped = await wrap(publicKey, name, material);
        assert.equal(wrapped.length, wrappedSize(name, `RSA_${bits}`, size));
        assert.deepEqual(unwrap(path, name, bits, wrapped), material, `${name}, RSA_${bits}, ${size} bytes`);
      }
    }
  }
});

test("what cannot be wrapped is refused", async (t) => {
  const path = folder(t);
  const { publicKey } = makeKey(path, ...rsa(2048));
  const m = new Uint8Array(32);
  for (const name of Object.keys(notInPages))
    await assert.rejects(wrap(publicKey, name, m), /cannot be computed in a page/);
  await assert.rejects(wrap(publicKey, "RSAES_OAEP", m), /unknown/);
  await assert.rejects(wrap(publicKey, "RSAES_OAEP_SHA_1", new Uint8Array()), /no key material/);
  await assert.rejects(wrap(publicKey, "RSAES_OAEP_SHA_256", new Uint8Array(191)), /191 bytes.*at most 190/);
  await assert.rejects(wrap(publicKey, "RSAES_OAEP_SHA_1", new Uint8Array(215)), /at most 214/);
  await assert.rejects(wrap(publicKey.subarray(1), "RSAES_OAEP_SHA_1", m), /not an RSA key/);
  await assert.rejects(wrap(makeKey(path, ...rsa(1024)).publicKey, "RSAES_OAEP_SHA_1", m), /1024 bits/);
  await assert.rejects(
    wrap(makeKey(path, ...rsa(2048), "-pkeyopt", "rsa_keygen_pubexp:3").publicKey, "RSAES_OAEP_SHA_1", m),
    /exponent 3/,
  );
});

test("the best algorithm comes first", () => {
  for (const wrapping of wrappingKeySpecs) {
    assert.equal(algorithmsFor("SYMMETRIC_DEFAULT", wrapping)[0], "RSAES_OAEP_SHA_256");
    for (const spec of ["RSA_2048", "RSA_4096", "ECC_NIST_P256"])
      assert.equal(algorithmsFor(spec, wrapping)[0], "RSA_AES_KEY_WRAP_SHA_256");
  }
  assert.deepEqual(algorithmsFor("ECC_NIST_P521", "RSA_2048"), ["RSA_AES_KEY_WRAP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1"]);
  assert.equal(permits("SYMMETRIC_DEFAULT", "spec", "RSA_2048"), false);
  assert.equal(permits("SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_256", "SM2"), false);
});
