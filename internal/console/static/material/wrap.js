// Wrapping of key material under the wrapping public key, by the algorithms of GetParametersForImport.
import { concat, wipe } from "../lib/bytes.js";
import { wrapPadded } from "./kwp.js";
import { permits } from "./specs.js";

/** The algorithms that a page can compute. */
const algorithms = {
  RSAES_OAEP_SHA_1: { hash: "SHA-1", hashSize: 20, hybrid: false },
  RSAES_OAEP_SHA_256: { hash: "SHA-256", hashSize: 32, hybrid: false },
  RSA_AES_KEY_WRAP_SHA_1: { hash: "SHA-1", hashSize: 20, hybrid: true },
  RSA_AES_KEY_WRAP_SHA_256: { hash: "SHA-256", hashSize: 32, hybrid: true },
};

/** The algorithms of the API that a page cannot compute, and why. */
export const notInPages = {
  RSAES_PKCS1_V1_5:
    "browsers do not encrypt with RSAES-PKCS1-v1_5, and the API has not accepted it since October 2023",
  SM2PKE: "browsers do not have SM2, which the API offers in the China Regions only",
};

/** The names of the wrapping algorithms that a page can compute. @type {string[]} */
export const wrappingAlgorithms = Object.keys(algorithms);

/**
 * Returns the algorithms that wrap material of a key spec under a wrapping key, the best first: SHA-256 before
 * SHA-1, and for private keys RSA_AES_KEY_WRAP, which has room for each of them.
 * @param {string} spec of the key @param {string} wrappingKeySpec @returns {string[]}
 */
export function algorithmsFor(spec, wrappingKeySpec) {
  const order = ["RSA_AES_KEY_WRAP_SHA_256", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSAES_OAEP_SHA_1"];
  return order.filter((algorithm) => permits(spec, algorithm, wrappingKeySpec));
}

/** Reads the algorithm, or explains why a page cannot compute it. */
function algorithmOf(name) {
  if (algorithms[name]) return algorithms[name];
  throw new Error(
    notInPages[name]
      ? `${name} cannot be computed in a page: ${notInPages[name]}.`
      : `The wrapping algorithm ${name} is unknown.`,
  );
}

/**
 * Returns the size of wrapped material, in bytes: the modulus, and with RSA_AES_KEY_WRAP the padded material behind it.
 * @param {string} name of the algorithm @param {string} wrappingKeySpec @param {number} size of the material, in bytes
 */
export function wrappedSize(name, wrappingKeySpec, size) {
  const modulus = Number(wrappingKeySpec.slice(4)) / 8;
  return algorithmOf(name).hybrid ? modulus + 8 + 8 * Math.ceil(size / 8) : modulus;
}

/** Imports the wrapping public key, and checks that a server can have made it. */
async function importPublicKey(der, hash) {
  let key;
  try {
    key = await crypto.subtle.importKey("spki", der, { name: "RSA-OAEP", hash }, false, ["encrypt"]);
  } catch {
    throw new Error("The wrapping public key is not an RSA key in DER. Download the parameters again.");
  }
  const { modulusLength, publicExponent } = key.algorithm;
  const exponent = publicExponent.reduce((sum, b) => sum * 256 + b, 0);
  if (![2048, 3072, 4096].includes(modulusLength) || exponent < 65537 || exponent % 2 === 0) {
    throw new Error(
      `The wrapping public key has ${modulusLength} bits and the exponent ${exponent}: ` +
        "servers make keys of 2048, 3072 or 4096 bits with the exponent 65537. Do not use this key.",
    );
  }
  return key;
}

/**
 * Wraps key material (the EncryptedKeyMaterial of ImportKeyMaterial).
 * @param {Uint8Array} publicKey DER SubjectPublicKeyInfo @param {string} name of the algorithm
 * @param {Uint8Array} material is not changed; the caller overwrites it
 * @returns {Promise<Uint8Array>}
 */
export async function wrap(publicKey, name, material) {
  const { hash, hashSize, hybrid } = algorithmOf(name);
  const key = await importPublicKey(publicKey, hash);
  if (material.length === 0) throw new Error("There is no key material to wrap.");
  if (hybrid) return wrapHybrid(key, material);
  const limit = key.algorithm.modulusLength / 8 - 2 * hashSize - 2; // RFC 8017, section 7.1.1, step 1b
  if (material.length > limit) {
    throw new Error(
      `The key material has ${material.length} bytes, and ${name} under an RSA key of ` +
        `${key.algorithm.modulusLength} bits wraps at most ${limit}. Choose RSA_AES_KEY_WRAP_SHA_256.`,
    );
  }
  return new Uint8Array(await crypto.subtle.encrypt({ name: "RSA-OAEP" }, key, material));
}

/** Wraps a new AES-256 key under the public key, and the material under the AES key. */
async function wrapHybrid(key, material) {
  const session = crypto.getRandomValues(new Uint8Array(32));
  try {
    const first = new Uint8Array(await crypto.subtle.encrypt({ name: "RSA-OAEP" }, key, session));
    const aes = await crypto.subtle.importKey("raw", session, "AES-CBC", false, ["encrypt"]);
    return concat(first, await wrapPadded(aes, material));
  } finally {
    wipe(session);
  }
}
