// Decoders of text that stay among octets: JavaScript cannot overwrite a string.
import { utf8, wipe } from "../lib/bytes.js";

const isSpace = (c) => c === 0x20 || (c >= 0x09 && c <= 0x0d);

/** Reports whether octets are printable ASCII and white space. @param {Uint8Array} octets */
export const isText = (octets) => octets.every((c) => isSpace(c) || (c > 0x20 && c < 0x7f));

/**
 * Returns the octets without white space and byte order mark around them, without a copy.
 * @param {Uint8Array} octets
 */
export function trim(octets) {
  let [from, to] = [startsWith(octets, [0xef, 0xbb, 0xbf]) ? 3 : 0, octets.length];
  while (from < to && isSpace(octets[from])) from++;
  while (to > from && isSpace(octets[to - 1])) to--;
  return octets.subarray(from, to);
}

/** @param {Uint8Array} octets @param {ArrayLike<number>} start */
export function startsWith(octets, start) {
  for (let i = 0; i < start.length; i++) if (octets[i] !== start[i]) return false;
  return true;
}

/**
 * Returns where an ASCII text is in octets, or -1.
 * @param {Uint8Array} octets @param {string} text @param {number} from
 */
export function find(octets, text, from = 0) {
  const wanted = utf8(text);
  for (let i = from; i + wanted.length <= octets.length; i++) if (startsWith(octets.subarray(i), wanted)) return i;
  return -1;
}

const hexValue = (c) =>
  c >= 0x30 && c <= 0x39 ? c - 0x30 : (c | 0x20) >= 0x61 && (c | 0x20) <= 0x66 ? (c | 0x20) - 0x57 : -1;

/**
 * Decodes hexadecimal digits, with white space or colons between them and 0x before them.
 * @param {Uint8Array} text @returns {Uint8Array|null} null if the text is something else
 */
export function decodeHex(text) {
  const octets = new Uint8Array(text.length);
  let digits = 0;
  for (let i = startsWith(text, [0x30, 0x78]) || startsWith(text, [0x30, 0x58]) ? 2 : 0; i < text.length; i++) {
    if (isSpace(text[i]) || text[i] === 0x3a) continue;
    const value = hexValue(text[i]);
    if (value < 0) return refuse(octets);
    octets[digits >> 1] |= digits % 2 ? value : value << 4;
    digits++;
  }
  return digits === 0 || digits % 2 ? refuse(octets) : cut(octets, digits / 2);
}

function base64Value(c) {
  if (c >= 0x41 && c <= 0x5a) return c - 0x41; // A to Z
  if (c >= 0x61 && c <= 0x7a) return c - 0x47; // a to z
  if (c >= 0x30 && c <= 0x39) return c + 4; // 0 to 9
  if (c === 0x2b || c === 0x2d) return 62; // + and -
  return c === 0x2f || c === 0x5f ? 63 : -1; // / and _
}

/**
 * Decodes base64 of both alphabets (RFC 4648, sections 4 and 5), with or without padding, on any number of lines.
 * @param {Uint8Array} text @returns {Uint8Array|null} null if the text is something else
 */
export function decodeBase64(text) {
  const octets = new Uint8Array(Math.ceil((text.length * 3) / 4));
  let [bits, held, size, digits, padding] = [0, 0, 0, 0, 0];
  for (const c of text) {
    if (isSpace(c)) continue;
    if (c === 0x3d && padding < 2) {
      padding++;
      continue;
    }
    const value = base64Value(c);
    if (value < 0 || padding > 0) return refuse(octets);
    held = ((held << 6) | value) & 0xfff;
    digits++;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      octets[size++] = (held >> bits) & 0xff;
    }
  }
  const strict =
    (held & ((1 << bits) - 1)) === 0 && digits % 4 !== 1 && (padding === 0 || (digits + padding) % 4 === 0);
  return strict && size > 0 ? cut(octets, size) : refuse(octets);
}

function refuse(octets) {
  wipe(octets);
  return null;
}

function cut(octets, size) {
  const result = octets.slice(0, size);
  wipe(octets);
  return result;
}
