// DER (ITU-T X.690): the few types that private keys have.
import { concat } from "../lib/bytes.js";

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const NULL = 0x05;
export const OID = 0x06;
export const SEQUENCE = 0x30;

/** Context-specific, constructed tag. @param {number} n @returns {number} */
export const context = (n) => 0xa0 | n;

/**
 * Reads the next element. It shares its octets with the input, so that no copy of a secret is left in memory.
 * @param {Uint8Array} der
 * @returns {{tag: number, value: Uint8Array, rest: Uint8Array}}
 */
export function read(der) {
  if (der.length < 2) throw new Error("the DER ends too early");
  let size = der[1];
  let at = 2;
  if (size & 0x80) {
    const octets = size & 0x7f;
    if (octets < 1 || octets > 2 || der.length < 2 + octets) throw new Error("it is not DER");
    size = 0;
    for (; at < 2 + octets; at++) size = size * 256 + der[at];
    if (size < 0x80 || (octets === 2 && size < 0x100)) throw new Error("it is not DER: a length is too long");
  }
  if (at + size > der.length) throw new Error("the DER ends too early");
  return { tag: der[0], value: der.subarray(at, at + size), rest: der.subarray(at + size) };
}

/** Reads all elements of a value. @param {Uint8Array} der @returns {{tag: number, value: Uint8Array}[]} */
export function readAll(der) {
  const elements = [];
  for (let rest = der; rest.length > 0;) {
    const element = read(rest);
    elements.push(element);
    rest = element.rest;
  }
  return elements;
}

/** Reads one element that must have the tag and be the whole input. @param {Uint8Array} der @param {number} tag */
export function readOnly(der, tag) {
  const element = read(der);
  if (element.tag !== tag || element.rest.length > 0) throw new Error("the DER has another structure");
  return element.value;
}

/** Writes one element. @param {number} tag @param {...(Uint8Array|number[])} parts of its value */
export function write(tag, ...parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return concat([tag, ...length], ...parts);
}

/** Writes a positive integer, big-endian, in its shortest form. @param {Uint8Array} octets */
export function integer(octets) {
  let at = 0;
  while (at < octets.length - 1 && octets[at] === 0) at++;
  const short = octets.subarray(at);
  return write(INTEGER, short[0] & 0x80 ? [0] : [], short);
}
