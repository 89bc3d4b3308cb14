// Octets: joining, encoding, comparing and overwriting them.

/**
 * Joins octets. The caller overwrites the parts and the result if they are secret.
 * @param {...(Uint8Array|number[])} parts
 * @returns {Uint8Array}
 */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Overwrites octets with zeros. Values that are not octets are left as they are. @param {...any} all */
export function wipe(...all) {
  for (const octets of all) {
    if (octets instanceof ArrayBuffer) new Uint8Array(octets).fill(0);
    else if (ArrayBuffer.isView(octets)) octets.fill(0);
  }
}

/** @param {Uint8Array} octets @returns {string} lower-case hexadecimal digits */
export const toHex = (octets) => Array.from(octets, (b) => b.toString(16).padStart(2, "0")).join("");

/** @param {string} digits hexadecimal digits alone @returns {Uint8Array} */
export const fromHex = (digits) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** @param {Uint8Array} octets @returns {string} base64 with padding (RFC 4648, section 4) */
export function toBase64(octets) {
  let text = "";
  for (const b of octets) text += String.fromCharCode(b);
  return btoa(text);
}

/** @param {string} text base64 with padding @returns {Uint8Array} */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** @param {string} text @returns {Uint8Array} UTF-8 */
export const utf8 = (text) => new TextEncoder().encode(text);

/**
 * Reports whether two values have the same octets, without stopping at the first difference.
 * @param {Uint8Array} a @param {Uint8Array} b @returns {boolean}
 */
export function equal(a, b) {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length && i < b.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}
