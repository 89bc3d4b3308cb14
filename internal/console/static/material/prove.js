// Proofs that a server has the imported material: the page compares what only this material can give.
import { concat, equal, fromBase64, toBase64, toHex, utf8, wipe } from "../lib/bytes.js";
import { derive, keyMaterialId } from "./ids.js";
import { kindOf } from "./specs.js";

// The ends of the parts of a ciphertext blob of version 1 (docs/ciphertext-format.md).
const [keyIDFrom, keyIDEnd, materialIDEnd, saltEnd, commitmentEnd, nonceEnd, smallest] = [
  13, 49, 81, 113, 145, 157, 173,
];

/**
 * Decrypts a ciphertext of a symmetric key without the server.
 * @param {Uint8Array} material 32 bytes @param {Uint8Array} blob
 * @param {Object<string, string>} context of the encryption
 * @returns {Promise<Uint8Array>}
 */
export async function openCiphertext(material, blob, context) {
  if (blob.length < smallest || blob[0] !== 1) throw new Error("The answer is not a ciphertext of Keyhold.");
  const keyId = new TextDecoder().decode(blob.subarray(keyIDFrom, keyIDEnd));
  if (toHex(blob.subarray(keyIDEnd, materialIDEnd)) !== (await keyMaterialId(keyId, material))) {
    throw new Error("The ciphertext was made with other key material.");
  }
  const derived = await derive(material, concat(utf8("keyhold ciphertext v1"), blob.subarray(0, saltEnd)), 64);
  try {
    if (!equal(derived.subarray(32), blob.subarray(saltEnd, commitmentEnd)))
      throw new Error("The ciphertext is damaged.");
    const key = await crypto.subtle.importKey("raw", derived.subarray(0, 32), "AES-GCM", false, ["decrypt"]);
    const algorithm = {
      name: "AES-GCM",
      iv: blob.subarray(commitmentEnd, nonceEnd),
      additionalData: associated(blob, context),
    };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, blob.subarray(nonceEnd)));
  } catch (error) {
    throw error instanceof DOMException
      ? new Error("The ciphertext has another encryption context, or is damaged.")
      : error;
  } finally {
    wipe(derived);
  }
}

/** Returns the associated data: all before the nonce, the number of pairs, and the pairs, sorted by their keys. */
function associated(blob, context) {
  const pairs = Object.entries(context)
    .map((pair) => pair.map(utf8))
    .sort(([a], [b]) => (toHex(a) < toHex(b) ? -1 : 1));
  return concat(
    blob.subarray(0, commitmentEnd),
    number(pairs.length),
    ...pairs.flat().flatMap((text) => [number(text.length), text]),
  );
}

function number(n) {
  const octets = new Uint8Array(4);
  new DataView(octets.buffer).setUint32(0, n);
  return octets;
}

/** Computes HMAC (RFC 2104). WebCrypto has no SHA-224. @returns {Promise<Uint8Array>} */
export async function mac(hash, material, message) {
  const key = await crypto.subtle.importKey("raw", material, { name: "HMAC", hash }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
}

/** Compares the key material ID. @param {string} own @param {string} servers */
export function checkId(own, servers) {
  if (own !== servers)
    throw new NotProved("The server shows another key material ID than the one that this page computed.");
}

/** The server did not show that it has the material. */
export class NotProved extends Error {
  name = "NotProved";
}

/**
 * A challenge: the server encrypts random bytes, and the page opens the ciphertext with its own copy of the material.
 * @param {(operation: string, body: object) => Promise<object>} call @param {string} arn @param {Uint8Array} material
 */
export async function challenge(call, arn, material) {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const context = { challenge: toHex(crypto.getRandomValues(new Uint8Array(8))) };
  const answer = await call("Encrypt", { KeyId: arn, Plaintext: toBase64(random), EncryptionContext: context });
  let opened;
  try {
    opened = await openCiphertext(material, fromBase64(answer.CiphertextBlob ?? ""), context);
  } catch (error) {
    throw new NotProved(error.message);
  }
  if (!equal(opened, random))
    throw new NotProved("The server encrypted other bytes than the random ones of this page.");
}

/** A MAC: server and page compute the code of the same random bytes. Parameters as of challenge. */
export async function checkMAC(call, arn, material, spec) {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const answer = await call("GenerateMac", {
    KeyId: arn,
    Message: toBase64(random),
    MacAlgorithm: spec.replace("_", "_SHA_"),
  });
  const own = await mac(kindOf(spec).hash, material, random);
  if (!equal(own, fromBase64(answer.Mac ?? "")))
    throw new NotProved("The server computes another message authentication code than this page.");
}

/** A public key: the one of the server must belong to the private key of this page. Parameters as of challenge. */
export async function checkPublicKey(call, arn, publicKey) {
  const answer = await call("GetPublicKey", { KeyId: arn });
  if (!equal(fromBase64(answer.PublicKey ?? ""), publicKey))
    throw new NotProved("The public key of the server does not belong to the private key of this page.");
}

/** What the credentials or the key may refuse. Such a proof was not tried, which is not an error. */
const refusals = ["AccessDeniedException", "DisabledException", "InvalidKeyUsageException"];

const proofs = {
  challenge: "A random challenge that the server encrypted opens with the copy of the key material in this page.",
  mac: "The server and this page compute the same message authentication code of random bytes.",
  publicKey: "The server's public key belongs to the private key in this page.",
  id: "The server shows the key material ID that this page computed.",
};

/**
 * Proves an import: first the key material ID, then a use of the material.
 * @param {(operation: string, body: object) => Promise<object>} call
 * @param {{arn: string, spec: string, bytes: Uint8Array|null, publicKey: Uint8Array|null, id: string,
 *   serversId: string, waits: string}} imported bytes are null if the material was wrapped elsewhere; waits is the
 *   reason why the server does not use the material yet, or ""
 * @returns {Promise<{held: string[], notTried: string}>} sentences for people
 */
export async function prove(call, imported) {
  checkId(imported.id, imported.serversId);
  const held = [proofs.id];
  const [kind, check] = proofOf(call, imported);
  if (!check) return { held, notTried: kind };
  try {
    await check();
    return { held: [...held, proofs[kind]], notTried: "" };
  } catch (error) {
    if (!refusals.includes(error.name)) throw error;
    return {
      held,
      notTried: `No use of the key was compared, because the server refused it to these credentials (${error.name}).`,
    };
  }
}

/** Returns the name of the proof by use and the proof, or the reason why there is none. */
function proofOf(call, { arn, spec, bytes, publicKey, waits }) {
  if (publicKey) return ["publicKey", () => checkPublicKey(call, arn, publicKey)];
  if (waits) return [waits];
  if (!bytes)
    return ["The key material is on another machine: a challenge opens there, with keyhold decrypt-offline."];
  if (spec === "SYMMETRIC_DEFAULT") return ["challenge", () => challenge(call, arn, bytes)];
  if (spec === "HMAC_224") return ["Browsers do not have SHA-224, so no message authentication code was compared."];
  return ["mac", () => checkMAC(call, arn, bytes, spec)];
}
