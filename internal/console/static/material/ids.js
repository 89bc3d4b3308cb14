// Names of key material and of wrapping keys that people and the server can compare.
import { toHex, utf8 } from "../lib/bytes.js";

/** Derives bits with HKDF-SHA-256 without salt (RFC 5869). @returns {Promise<Uint8Array>} */
export async function derive(secret, info, bytes) {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, 8 * bytes));
}

/**
 * Returns the key ID that the ARN of a key ends with.
 * @param {string} arn @returns {string} 36 characters
 */
export function keyIdOf(arn) {
  const id = /^arn:[^:]+:kms:[^:]*:[^:]*:key\/(.{36})$/.exec(arn)?.[1];
  if (!id) throw new Error(`${arn} is not the ARN of a key.`);
  return id;
}

/**
 * Returns the key material ID that a Keyhold server gives to the material in a key (docs/ciphertext-format.md).
 * @param {string} keyId 36 characters @param {Uint8Array} material is not changed
 * @returns {Promise<string>} 64 lower-case hexadecimal digits
 */
export async function keyMaterialId(keyId, material) {
  if (keyId.length !== 36) throw new Error(`${keyId} is not a key ID of 36 characters.`);
  return toHex(await derive(material, utf8(`keyhold material id v1${keyId}`), 32));
}

/**
 * Returns the fingerprint of a wrapping public key: its SHA-256 in 16 groups of four hexadecimal digits.
 * @param {Uint8Array} publicKey DER SubjectPublicKeyInfo @returns {Promise<string>}
 */
export async function fingerprint(publicKey) {
  const sum = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", publicKey)));
  return sum.match(/..../g).join(" ");
}
