// JSON Web Keys (RFC 7517, RFC 7518): symmetric, EC and RSA.
import { utf8, wipe } from "../lib/bytes.js";
import { decodeBase64 } from "./decode.js";
import { wrapElsewhere } from "./privatekey.js";

/** The members that WebCrypto needs. Others, such as "use" and "ext", would limit what the page may do. */
const members = { EC: ["kty", "crv", "x", "y", "d"], RSA: ["kty", "n", "e", "d", "p", "q", "dp", "dq", "qi"] };

/**
 * Reads a JWK, or a JWK set of one key.
 * @param {string} text JSON
 * @returns {Promise<{octets?: Uint8Array, pkcs8?: Uint8Array}>} octets of a symmetric key, or a private key
 */
export async function readJWK(text) {
  const jwk = only(parseJSON(text));
  if (jwk.kty === "oct") return { octets: octetsOf(jwk) };
  if (!members[jwk.kty])
    throw new Error('The JSON is not a JWK of an RSA, EC or symmetric key ("kty" is RSA, EC or oct).');
  if (jwk.d === undefined) throw new Error('The JWK is a public key: give the private JWK, which has the member "d".');
  if (jwk.crv === "secp256k1") throw new Error(`Browsers do not have the curve secp256k1. ${wrapElsewhere}`);
  if (jwk.kty === "RSA" && !members.RSA.every((name) => jwk[name])) {
    throw new Error(`The JWK lacks primes or CRT values of the RSA key. ${wrapElsewhere}`);
  }
  return { pkcs8: await convert(jwk) };
}

function parseJSON(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("The JSON is damaged."); // the message of the engine can quote the key
  }
}

function only(value) {
  if (!Array.isArray(value?.keys)) return value ?? {};
  if (value.keys.length !== 1) throw new Error(`The JWK set has ${value.keys.length} keys: give one JWK.`);
  return value.keys[0] ?? {};
}

function octetsOf(jwk) {
  const text = utf8(String(jwk.k ?? ""));
  const octets = decodeBase64(text);
  wipe(text);
  if (!octets) throw new Error('The member "k" of the JWK is not base64url.');
  return octets;
}

async function convert(jwk) {
  const algorithm =
    jwk.kty === "EC" ? { name: "ECDSA", namedCurve: jwk.crv } : { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const clean = Object.fromEntries(members[jwk.kty].map((name) => [name, jwk[name]]));
  try {
    const key = await crypto.subtle.importKey("jwk", clean, algorithm, true, ["sign"]);
    return new Uint8Array(await crypto.subtle.exportKey("pkcs8", key));
  } catch {
    throw new Error(
      "The browser refuses the JWK: the curve is not P-256, P-384 or P-521, or the numbers contradict each other.",
    );
  }
}
