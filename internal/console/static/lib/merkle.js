// Verifies in the page that an event is in the audit log. docs/proof-format.md describes the format.

import { concat, equal, fromBase64, toHex } from "./bytes.js";

/** NotProved says why a proof does not prove its event. */
export class NotProved extends Error {}

const encoder = new TextEncoder();

/**
 * Decodes base64 in its one canonical form (RFC 4648, section 4).
 * @param {string} text
 * @returns {Uint8Array}
 */
export function decodeBase64(text) {
  let raw;
  try {
    raw = atob(text);
  } catch {
    throw new NotProved(`This is not base64: ${text.slice(0, 60)}`);
  }
  if (btoa(raw) !== text) throw new NotProved(`This is not canonical base64: ${text.slice(0, 60)}`);
  return fromBase64(text);
}

const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));

function parseNumber(text) {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text)) throw new NotProved(`This is not a number of lines: ${text.slice(0, 60)}`);
  return BigInt(text);
}

/**
 * Returns the hash of a line of the log (RFC 6962, section 2.1).
 * @param {string} line the line without its newline
 * @returns {Promise<Uint8Array>} 32 bytes
 */
export const leafHash = (line) => sha256([0], encoder.encode(line));

/**
 * Returns the root that a leaf and its path lead to (RFC 9162, section 2.1.3.2).
 * @param {Uint8Array} leaf
 * @param {bigint} index of the leaf, from 0
 * @param {bigint} size number of leaves of the tree
 * @param {Uint8Array[]} path hashes from the leaf to the root
 * @returns {Promise<Uint8Array>} 32 bytes
 */
export async function rootOf(leaf, index, size, path) {
  let [here, last, result] = [index, size - 1n, leaf];
  for (const sibling of path) {
    if (last === 0n) throw new NotProved("The path of the proof is too long.");
    if (here & 1n || here === last) {
      result = await sha256([1], sibling, result);
      while (here && !(here & 1n)) [here, last] = [here >> 1n, last >> 1n];
    } else {
      result = await sha256([1], result, sibling);
    }
    [here, last] = [here >> 1n, last >> 1n];
  }
  if (last !== 0n) throw new NotProved("The path of the proof is too short.");
  return result;
}

/**
 * Parses the verifier key of a log, ORIGIN+ID+KEY.
 * @param {string} text
 * @returns {Promise<{name: string, id: Uint8Array, key: Uint8Array}>}
 */
export async function parseVerifierKey(text) {
  const [, name, id, key] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  if (!name) throw new NotProved("A verifier key has the form ORIGIN+ID+KEY, as keyhold init prints it.");
  const raw = decodeBase64(key);
  if (raw.length !== 33 || raw[0] !== 1) throw new NotProved("This is not the verifier key of a log.");
  const hash = (await sha256(encoder.encode(name + "\n"), raw)).slice(0, 4);
  if (toHex(hash) !== id) throw new NotProved("The ID in the verifier key does not belong to the key.");
  return { name, id: hash, key: raw.slice(1) };
}

/**
 * Parses a proof (C2SP tlog-proof).
 * @param {string} text
 * @returns {{index: bigint, path: Uint8Array[], note: string}} note is the signed checkpoint
 */
export function parseProof(text) {
  const gap = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(gap, 0)).split("\n");
  if (lines.shift() !== "c2sp.org/tlog-proof@v1") throw new NotProved("This is not a proof of the form c2sp.org/tlog-proof@v1.");
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = lines.shift() ?? "";
  if (!index.startsWith("index ")) throw new NotProved("The proof has no index.");
  const path = lines.map(decodeBase64);
  if (path.some((hash) => hash.length !== 32)) throw new NotProved("A hash of the proof does not have 32 bytes.");
  return { index: parseNumber(index.slice("index ".length)), path, note: text.slice(gap + 2) };
}

function signatureOf(signatures, { name, id }) {
  const lines = signatures.split("\n");
  if (lines.pop() !== "") throw new NotProved("The last line of the checkpoint is not whole.");
  for (const line of lines) {
    const [dash, signer, text] = line.split(" ");
    if (dash !== "—" || signer !== name) continue;
    const raw = decodeBase64(text ?? "");
    if (equal(raw.slice(0, 4), id)) return raw.slice(4);
  }
  throw new NotProved(`The checkpoint has no signature of the key of ${name}.`);
}

/**
 * Verifies a signed checkpoint (C2SP tlog-checkpoint).
 * @param {string} note
 * @param {string} verifierKey ORIGIN+ID+KEY
 * @returns {Promise<{origin: string, size: bigint, root: Uint8Array, signed: boolean}>} signed is false if this
 *   browser has no Ed25519, so that the signature was not verified
 */
export async function verifyCheckpoint(note, verifierKey) {
  const gap = note.indexOf("\n\n");
  if (gap < 0) throw new NotProved("The checkpoint has no signatures.");
  const body = note.slice(0, gap + 1);
  const key = await parseVerifierKey(verifierKey);
  const [origin, size, root] = body.split("\n");
  if (origin !== key.name) throw new NotProved(`The checkpoint is of another log, ${origin}.`);
  const signature = signatureOf(note.slice(gap + 2), key);
  const signed = await verifyEd25519(key.key, signature, encoder.encode(body));
  return { origin, size: parseNumber(size ?? ""), root: decodeBase64(root ?? ""), signed };
}

async function verifyEd25519(key, signature, message) {
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  } catch (e) {
    if (e.name === "NotSupportedError") return false;
    throw new NotProved("The verifier key has no valid Ed25519 key.");
  }
  if (!(await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message))) {
    throw new NotProved("The signature of the checkpoint is wrong.");
  }
  return true;
}

/**
 * Verifies that a line is in an audit log.
 * @param {string} line the line of the event, byte by byte, without its newline
 * @param {string} proof
 * @param {string} verifierKey ORIGIN+ID+KEY
 * @returns {Promise<{origin: string, index: bigint, size: bigint, signed: boolean}>} signed as in verifyCheckpoint
 * @throws {NotProved}
 */
export async function verifyProof(line, proof, verifierKey) {
  const { index, path, note } = parseProof(proof);
  const { origin, size, root, signed } = await verifyCheckpoint(note, verifierKey);
  if (index >= size) throw new NotProved("The index of the line is not below the size of the checkpoint.");
  if (!equal(await rootOf(await leafHash(line), index, size, path), root)) {
    throw new NotProved("The event and its path do not lead to the root of the checkpoint.");
  }
  return { origin, index, size, signed };
}
