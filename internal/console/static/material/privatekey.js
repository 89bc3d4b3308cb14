// Private keys in the one form in which a server stores them, so that the page computes the same key material ID.
import { concat, equal, fromHex, toHex, wipe } from "../lib/bytes.js";
import * as der from "./der.js";
import { importableSpecs, kindOf } from "./specs.js";

const oidRSA = fromHex("2a864886f70d010101"); // rsaEncryption, RFC 8017, appendix A.1
const oidEC = fromHex("2a8648ce3d0201"); // id-ecPublicKey, RFC 5480, section 2.1.1
const oidCurves = {
  // RFC 5480, section 2.1.1.1; SEC 2, section 2.4.1
  "P-256": fromHex("2a8648ce3d030107"),
  "P-384": fromHex("2b81040022"),
  "P-521": fromHex("2b81040023"),
  secp256k1: fromHex("2b8104000a"),
};

/** The remedy for each private key that a page does not read. */
export const wrapElsewhere = 'Use the tab "Offline" and keyhold wrap, which reads this file.';

/**
 * Splits PKCS #8 (RFC 5208, section 5), or returns null if the octets are something else. The parts share the octets.
 * @param {Uint8Array} pkcs8
 */
export function split(pkcs8) {
  try {
    const [version, algorithm, key, ...more] = der.readAll(der.readOnly(pkcs8, der.SEQUENCE));
    const [oid, parameters] = der.readAll(algorithm.value);
    const fits =
      version.tag === der.INTEGER &&
      algorithm.tag === der.SEQUENCE &&
      oid.tag === der.OID &&
      key.tag === der.OCTET_STRING;
    if (!fits || more.some((element) => ![0xa0, 0xa1, 0x81].includes(element.tag))) return null;
    return { version: version.value, oid: oid.value, parameters, privateKey: key.value };
  } catch {
    return null;
  }
}

/**
 * Validates a private key and returns it in the form of docs/ciphertext-format.md.
 * @param {Uint8Array} pkcs8 DER; it is not changed
 * @returns {Promise<{spec: string, bytes: Uint8Array, publicKey: Uint8Array}>} publicKey is DER SubjectPublicKeyInfo
 */
export async function canonical(pkcs8) {
  const parts = split(pkcs8);
  if (!parts) throw new Error(`This is not a private key as plain PKCS #8 in DER. ${wrapElsewhere}`);
  if (!equal(parts.version, [0])) throw new Error("The PKCS #8 has another version than 0.");
  if (equal(parts.oid, oidRSA)) return canonicalRSA(pkcs8, parts.privateKey);
  if (equal(parts.oid, oidEC)) return canonicalEC(pkcs8, parts.parameters);
  throw new Error("The private key is of another algorithm: only RSA and EC keys are imported.");
}

/** Imports the key, so that the browser validates the key, and exports it again as PKCS #8. */
async function reexport(pkcs8, algorithm) {
  const usages = ["sign"];
  let key;
  try {
    key = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, true, usages);
  } catch {
    throw contradiction();
  }
  return new Uint8Array(await crypto.subtle.exportKey("pkcs8", key));
}

const namesOfCurves = Object.keys(oidCurves);

async function canonicalEC(pkcs8, parameters) {
  const curve = namesOfCurves.find((name) => parameters?.tag === der.OID && equal(parameters.value, oidCurves[name]));
  if (!curve)
    throw new Error(
      "The EC key is on another curve than P-256, P-384, P-521 and secp256k1, or does not name its curve.",
    );
  if (curve === "secp256k1") throw new Error(`Browsers do not have the curve secp256k1. ${wrapElsewhere}`);
  const spec = importableSpecs.find((name) => kindOf(name).curve === curve);
  const exported = await reexport(pkcs8, { name: "ECDSA", namedCurve: curve });
  // RFC 5915, section 3
  const [, scalar, ...more] = der.readAll(der.readOnly(split(exported).privateKey, der.SEQUENCE));
  const stated = more.find((element) => element.tag === der.context(1));
  if (!stated)
    throw new Error(`The EC key has no public point, and this browser does not compute the point. ${wrapElsewhere}`);
  const point = der.readOnly(stated.value, der.BIT_STRING);
  const algorithm = der.write(der.SEQUENCE, der.write(der.OID, oidEC), der.write(der.OID, oidCurves[curve]));
  const key = der.write(
    der.SEQUENCE,
    der.write(der.INTEGER, [1]),
    der.write(der.OCTET_STRING, scalar.value),
    der.write(der.context(1), der.write(der.BIT_STRING, point)),
  );
  const bytes = pack(algorithm, key);
  const publicKey = der.write(der.SEQUENCE, algorithm, der.write(der.BIT_STRING, point));
  wipe(exported, key);
  await checkPair(bytes, publicKey, curve);
  return { spec, bytes, publicKey };
}

/** Checks that the public point belongs to the scalar, because not all browsers do. */
async function checkPair(pkcs8, publicKey, namedCurve) {
  const [algorithm, message] = [{ name: "ECDSA", namedCurve, hash: "SHA-256" }, new Uint8Array(32)];
  try {
    const signer = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
    const verifier = await crypto.subtle.importKey("spki", publicKey, algorithm, false, ["verify"]);
    if (await crypto.subtle.verify(algorithm, verifier, await crypto.subtle.sign(algorithm, signer, message), message))
      return;
  } catch {
    // a point that is not on the curve
  }
  throw contradiction();
}

const contradiction = () =>
  new Error(`The private key is damaged: its numbers contradict each other. ${wrapElsewhere}`);

function pack(algorithm, key) {
  return der.write(der.SEQUENCE, der.write(der.INTEGER, [0]), algorithm, der.write(der.OCTET_STRING, key));
}

const number = (octets) => BigInt(`0x${toHex(octets) || "0"}`);

function octetsOf(value) {
  const digits = value.toString(16);
  return fromHex(digits.length % 2 ? `0${digits}` : digits);
}

async function canonicalRSA(pkcs8, privateKey) {
  const elements = der.readAll(der.readOnly(privateKey, der.SEQUENCE)); // RFC 8017, appendix A.1.2
  if (elements.length !== 9 || elements.some((element) => element.tag !== der.INTEGER)) {
    throw new Error("The RSA key has more than two primes, or another structure.");
  }
  const [, n, e, d, p, q, ...crt] = elements.map((element) => number(element.value));
  const bits = n.toString(2).length;
  const spec = importableSpecs.find((name) => kindOf(name).bits === bits);
  if (!spec) throw new Error(`The RSA key has ${bits} bits: only keys of 2048, 3072 and 4096 bits are imported.`);
  if (e < 65537n || e % 2n === 0n || e >= 1n << 31n)
    throw new Error(`The RSA key has the public exponent ${e}: it must be odd, at least 65537 and below 2^31.`);
  checkNumbers(n, e, d, p, q, crt);
  wipe(await reexport(pkcs8, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }));
  const numbers = canonicalNumbers(n, e, d, p > q ? p : q, p > q ? q : p).map((value) => der.integer(octetsOf(value)));
  const algorithm = der.write(der.SEQUENCE, der.write(der.OID, oidRSA), der.write(der.NULL));
  const key = der.write(der.SEQUENCE, der.write(der.INTEGER, [0]), ...numbers);
  const bytes = pack(algorithm, key);
  const publicKey = der.write(
    der.SEQUENCE,
    algorithm,
    der.write(der.BIT_STRING, concat([0], der.write(der.SEQUENCE, numbers[0], numbers[1]))),
  );
  wipe(key, ...numbers);
  return { spec, bytes, publicKey };
}

/** Checks the numbers against their definitions (RFC 8017, section 3.2), because not all browsers do. */
function checkNumbers(n, e, d, p, q, [dP, dQ, qInv]) {
  const [p1, q1] = [p - 1n, q - 1n];
  const fits =
    p * q === n &&
    p1 > 0n &&
    q1 > 0n &&
    (e * d) % p1 === 1n &&
    (e * d) % q1 === 1n &&
    dP === d % p1 &&
    dQ === d % q1 &&
    qInv < p &&
    (qInv * q) % p === 1n;
  if (!fits) throw contradiction();
}

/** Returns the numbers of an RSAPrivateKey with the smallest private exponent (FIPS 186-5, appendix A.1.1, step 3). */
function canonicalNumbers(n, e, d, p, q) {
  const lcm = ((p - 1n) * (q - 1n)) / gcd(p - 1n, q - 1n);
  const smallest = d % lcm;
  return [n, e, smallest, p, q, smallest % (p - 1n), smallest % (q - 1n), inverse(q, p)];
}

function gcd(a, b) {
  while (b > 0n) [a, b] = [b, a % b];
  return a;
}

/** Returns the inverse of a modulo m, by the extended Euclidean algorithm. */
function inverse(a, m) {
  let [r, next, s, t] = [m, a % m, 0n, 1n];
  while (next > 0n) {
    const quotient = r / next;
    [r, next] = [next, r - quotient * next];
    [s, t] = [t, s - quotient * t];
  }
  return s < 0n ? s + m : s;
}
