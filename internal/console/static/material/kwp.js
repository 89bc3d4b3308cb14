// AES key wrap with padding (RFC 5649). WebCrypto has only the form without padding (RFC 3394).
import { concat, wipe } from "../lib/bytes.js";

const zeroIV = new Uint8Array(16);

/**
 * Returns the encryption of one block. The first block of AES-CBC with an initialization vector of zeros is the
 * block cipher itself; the second block is padding.
 */
async function block(key, input) {
  const output = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv: zeroIV }, key, input));
  return output.subarray(0, 16);
}

/**
 * Wraps octets with AES key wrap with padding (RFC 5649, section 4.1).
 * @param {CryptoKey} key of AES-CBC @param {Uint8Array} plaintext is not changed
 * @returns {Promise<Uint8Array>} 8 to 15 bytes longer than the plaintext
 */
export async function wrapPadded(key, plaintext) {
  if (plaintext.length === 0) throw new Error("There is nothing to wrap.");
  const padded = new Uint8Array(8 * Math.ceil(plaintext.length / 8));
  padded.set(plaintext);
  const a = new Uint8Array([0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 0]); // RFC 5649, section 3
  new DataView(a.buffer).setUint32(4, plaintext.length);
  if (padded.length === 8) {
    const input = concat(a, padded);
    const output = await block(key, input);
    wipe(padded, input);
    return output.slice();
  }
  return wrap(key, a, padded);
}

/** Wraps two or more blocks of 64 bits in place (RFC 3394, section 2.2.1). */
async function wrap(key, a, r) {
  const input = new Uint8Array(16);
  const n = r.length / 8;
  for (let j = 0; j < 6; j++) {
    for (let i = 0; i < n; i++) {
      input.set(a);
      input.set(r.subarray(8 * i, 8 * i + 8), 8);
      const output = await block(key, input);
      a.set(output.subarray(0, 8));
      r.set(output.subarray(8), 8 * i);
      const low = new DataView(a.buffer);
      low.setUint32(4, low.getUint32(4) ^ (n * j + i + 1));
    }
  }
  wipe(input);
  return concat(a, r);
}
