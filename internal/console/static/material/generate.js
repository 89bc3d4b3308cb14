// New key material, from the random generator of the browser.
import { canonical, wrapElsewhere } from "./privatekey.js";
import { kindOf } from "./specs.js";
import { toBase64, toHex, utf8, wipe } from "../lib/bytes.js";

/**
 * Generates key material for a spec: as many bytes as the hash of an HMAC key has, 32 for a symmetric key, or a
 * private key.
 * @param {string} spec @returns {Promise<import('./parse.js').Material>}
 */
export async function generate(spec) {
  const { least, bits, curve, isPrivateKey } = kindOf(spec);
  if (!isPrivateKey) {
    return { form: "generated", bytes: crypto.getRandomValues(new Uint8Array(least)), publicKey: null, doubt: "" };
  }
  if (curve === "secp256k1")
    throw new Error(
      `Browsers do not have the curve secp256k1. ${wrapElsewhere.replace("this file", "files of such keys")}`,
    );
  const rsa = {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: bits,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const pair = await crypto.subtle.generateKey(bits ? rsa : { name: "ECDSA", namedCurve: curve }, true, [
    "sign",
    "verify",
  ]);
  const exported = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  try {
    return { form: "generated", doubt: "", ...(await canonical(exported)) };
  } finally {
    wipe(exported);
  }
}

/**
 * Returns the file in which a person keeps the original: hexadecimal digits, or PKCS #8 in PEM. keyhold import --from
 * reads both. The caller overwrites the content.
 * @param {import('./parse.js').Material} material
 * @returns {{content: Uint8Array, ending: string}} ending of the file's name
 */
export function originalOf(material) {
  if (!material.publicKey) return { content: utf8(`${toHex(material.bytes)}\n`), ending: "hex" };
  const lines = toBase64(material.bytes)
    .match(/.{1,64}/g)
    .join("\n");
  return { content: utf8(`-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`), ending: "pem" };
}
