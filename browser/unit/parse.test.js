import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, fromHex, toBase64, toHex, utf8 } from "../../internal/console/static/lib/bytes.js";
import { generate, originalOf } from "../../internal/console/static/material/generate.js";
import { parse, parseText } from "../../internal/console/static/material/parse.js";
import { importableSpecs, kindOf } from "../../internal/console/static/material/specs.js";
import { ec, folder, makeKey, openssl, rsa } from "./openssl.js";

const octets = (size) => new Uint8Array(size).map((_, i) => (i * 37 + 200) & 0xff);

test("sizes of each spec", async () => {
  for (const spec of importableSpecs) {
    const { least, most, isPrivateKey } = kindOf(spec);
    if (isPrivateKey) {
      await assert.rejects(parse(octets(32), spec), /no private key/);
      continue;
    }
    for (const size of [least, most]) assert.deepEqual((await parse(octets(size), spec)).bytes, octets(size));
    for (const size of [least - 1, most + 1])
      await assert.rejects(parse(octets(size), spec), new RegExp(`${size} bytes \\(raw\\).*takes ${least}`));
  }
});

test("encodings of bytes", async () => {
  const m = octets(32);
  const [hex, base64] = [toHex(m), toBase64(m)];
  const texts = {
    hexadecimal: [
      hex,
      hex.toUpperCase(),
      `${hex}\n`,
      `0x${hex}`,
      hex.match(/../g).join(":"),
      hex.match(/.{16}/g).join("\r\n"),
      `\ufeff${hex}`,
    ],
    base64: [base64, `${base64}\n`, base64.replace("=", ""), base64.replaceAll("+", "-").replaceAll("/", "_")],
    JWK: [
      JSON.stringify({ kty: "oct", k: base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") }),
      JSON.stringify({ keys: [{ kty: "oct", k: base64 }] }),
    ],
  };
  for (const [form, all] of Object.entries(texts)) {
    for (const text of all) {
      const parsed = await parseText(text, "SYMMETRIC_DEFAULT");
      assert.deepEqual([parsed.form, parsed.bytes, parsed.publicKey, parsed.doubt], [form, m, null, ""], text);
    }
  }
});

test("text that can be the material itself", async () => {
  const printable = "correct horse battery staple!!!!";
  assert.equal(printable.length, 32);
  assert.match((await parseText(printable, "SYMMETRIC_DEFAULT")).doubt, /printable text/);
  await assert.rejects(parseText(`${printable}\n`, "SYMMETRIC_DEFAULT"), /neither hexadecimal nor base64/);
  const digits = toHex(octets(32)); // 64 characters: hexadecimal of 32 bytes comes first
  const parsed = await parseText(digits, "HMAC_256");
  assert.deepEqual(parsed.bytes, octets(32));
  assert.match(parsed.doubt, /64 characters themselves/);
});

test("files that are refused", async (t) => {
  const path = folder(t);
  const pem = (options) => new TextDecoder().decode(makeKey(path, ...options).pem);
  const secp256k1 = pem(ec("secp256k1"));
  const p256 = pem(ec("P-256"));
  const run = (...args) => new TextDecoder().decode(openssl(path, args));
  const utf16 = concat([0xff, 0xfe], ...Array.from(toHex(octets(20)), (c) => [c.charCodeAt(0), 0]));
  for (const [content, spec, error] of [
    ["", "SYMMETRIC_DEFAULT", /empty/],
    [" \n", "RSA_2048", /empty/],
    [octets(65537), "SYMMETRIC_DEFAULT", /64 KiB/],
    [utf16, "HMAC_256", /UTF-16/],
    [concat(octets(32), [10]), "SYMMETRIC_DEFAULT", /32 bytes and a newline/],
    [toHex(octets(31)), "SYMMETRIC_DEFAULT", /31 bytes \(hexadecimal\)/],
    [toHex(octets(32)).slice(1), "SYMMETRIC_DEFAULT", /63 characters|47 bytes/],
    ['{"kty":"oct","k":"!!!"}', "SYMMETRIC_DEFAULT", /base64url/],
    ['{"kty":"OKP","d":"AA"}', "ECC_NIST_P256", /"kty"/],
    ['{"a', "SYMMETRIC_DEFAULT", /^Error: The JSON is damaged.$/],
    ['{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}', "ECC_NIST_P256", /public key/],
    ['{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}', "ECC_NIST_P256", /browser refuses/],
    ['{"kty":"EC","crv":"secp256k1","d":"AA"}', "ECC_SECG_P256K1", /keyhold wrap/],
    ['{"kty":"RSA","n":"AA","e":"AQAB","d":"AA"}', "RSA_2048", /lacks primes.*keyhold wrap/],
    ['{"keys":[]}', "RSA_2048", /0 keys/],
    ["[1]", "HMAC_256", /bytes|characters/],
    ['{"keys":[null]}', "RSA_2048", /"kty"/],
    [secp256k1, "ECC_SECG_P256K1", /secp256k1.*keyhold wrap/],
    [p256, "ECC_NIST_P384", /of the spec ECC_NIST_P256, and the key is of the spec ECC_NIST_P384/],
    [p256, "SYMMETRIC_DEFAULT", /private key, and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes/],
    [p256 + p256, "ECC_NIST_P256", /several private keys/],
    [p256.replace(/-----END.*/, ""), "ECC_NIST_P256", /damaged/],
    [run("pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:x"), "ECC_NIST_P256", /encrypted.*keyhold wrap/],
    [run("ec", "-in", "key.pem"), "ECC_NIST_P256", /SEC 1.*keyhold wrap/],
    [run("pkey", "-in", "key.pem", "-pubout"), "ECC_NIST_P256", /public key/],
    [pem([...ec("P-256"), "-pkeyopt", "ec_param_enc:explicit"]), "ECC_NIST_P256", /does not name its curve/],
    [pem(ec("P-224")), "ECC_NIST_P256", /another curve/],
    [pem(["-algorithm", "ED25519"]), "ECC_NIST_P256", /another algorithm/],
    [pem(rsa(1024)), "RSA_2048", /1024 bits/],
    [pem([...rsa(2048), "-pkeyopt", "rsa_keygen_pubexp:3"]), "RSA_2048", /exponent 3/],
    [run("rsa", "-in", "key.pem", "-traditional"), "RSA_2048", /PKCS #1.*keyhold wrap/],
  ]) {
    const input = typeof content === "string" ? utf8(content) : content;
    await assert.rejects(parse(input, spec), error, `${content}`.slice(0, 60));
  }
});

test("private keys of OpenSSL", async (t) => {
  const path = folder(t);
  for (const [spec, options] of [
    ["RSA_2048", rsa(2048)],
    ["ECC_NIST_P256", ec("P-256")],
    ["ECC_NIST_P384", ec("P-384")],
    ["ECC_NIST_P521", ec("P-521")],
  ]) {
    const { pem, pkcs8, publicKey } = makeKey(path, ...options);
    for (const content of [
      pem,
      pkcs8,
      utf8(toBase64(pkcs8)),
      utf8(toHex(pkcs8)),
      utf8(`x\n${new TextDecoder().decode(pem)}y`),
    ]) {
      const parsed = await parse(content, spec);
      assert.deepEqual(
        [toHex(parsed.bytes), toHex(parsed.publicKey)],
        [toHex(pkcs8), toHex(publicKey)],
        `${spec}, ${parsed.form}`,
      );
    }
    for (let at = 40; at < pkcs8.length; at += Math.ceil(pkcs8.length / 50)) {
      // in the numbers, their lengths and tags
      const damaged = pkcs8.slice();
      damaged[at] ^= 1;
      await assert.rejects(parse(damaged, spec), undefined, `${spec}, byte ${at}`);
    }
  }
});

test("each form of a key is the same material", async (t) => {
  const path = folder(t);
  // The primes swapped, and a private exponent modulo (p-1)(q-1), in a JWK.
  const key = await crypto.subtle.importKey(
    "pkcs8",
    makeKey(path, ...rsa(2048)).pkcs8,
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    true,
    ["sign"],
  );
  const jwk = await crypto.subtle.exportKey("jwk", key);
  const number = (text) => BigInt(`0x${Buffer.from(text, "base64url").toString("hex")}`);
  const text = (value) =>
    Buffer.from(
      fromHex(value.toString(16).padStart(value.toString(16).length + (value.toString(16).length % 2), "0")),
    ).toString("base64url");
  const inverse = (a, m) => {
    let [r, n, s, u] = [m, a % m, 0n, 1n];
    while (n) {
      const q = r / n;
      [r, n, s, u] = [n, r - q * n, u, s - q * u];
    }
    return (s + m) % m;
  };
  const [p, q] = [number(jwk.p), number(jwk.q)];
  const swapped = {
    ...jwk,
    p: jwk.q,
    q: jwk.p,
    dp: jwk.dq,
    dq: jwk.dp,
    qi: text(inverse(p, q)),
    d: text(inverse(number(jwk.e), (p - 1n) * (q - 1n))),
    use: "enc",
    ext: false,
  };
  const otherD = { ...jwk, d: text(number(jwk.d) + p - 1n) }; // fits the first prime alone
  otherD.dq = text(number(otherD.d) % (q - 1n));
  await assert.rejects(parseText(JSON.stringify(otherD), "RSA_2048"), /contradict/);
  const [a, b] = [
    await parseText(JSON.stringify(jwk), "RSA_2048"),
    await parseText(JSON.stringify(swapped), "RSA_2048"),
  ];
  assert.ok(a.bytes.length === b.bytes.length && a.bytes.every((octet, i) => octet === b.bytes[i]));
});

test("generated material has the form of an imported file", async (t) => {
  const path = folder(t);
  for (const spec of importableSpecs.filter((name) => !["RSA_3072", "RSA_4096", "ECC_SECG_P256K1"].includes(name))) {
    const material = await generate(spec);
    const { content, ending } = originalOf(material);
    assert.deepEqual((await parse(content, spec)).bytes, material.bytes, spec);
    if (ending === "pem")
      assert.equal(
        toHex(openssl(path, ["pkey", "-in", "o", "-pubout", "-outform", "DER"], { o: content })),
        toHex(material.publicKey),
      );
    else assert.equal(material.bytes.length, kindOf(spec).least);
  }
  await assert.rejects(generate("ECC_SECG_P256K1"), /keyhold wrap/);
  await assert.rejects(generate("ML_DSA_65"), /cannot be imported/);
});
