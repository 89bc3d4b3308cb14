// Signature Version 4 with WebCrypto. Source: "Create a signed AWS API request" in the IAM user guide.

import { toHex } from "./bytes.js";

const encoder = new TextEncoder();
const hmac = { name: "HMAC", hash: "SHA-256" };

/** The headers that the browser sends and that the signature covers, if a request has them. */
const signedHeaders = ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"];

/**
 * @typedef {object} Signer
 * @property {string} accessKeyId
 * @property {string} [sessionToken]
 * @property {(date: string, region: string, service: string) => Promise<CryptoKey>} key returns the signing key for
 *   a date, as 20260131
 */

/**
 * signingKey derives the key that signs on one date, in one Region, for one service. The key cannot be exported.
 * @param {string} secret the secret access key
 * @param {string} date as 20260131
 * @param {string} region
 * @param {string} service "kms" or "sts"
 * @returns {Promise<CryptoKey>}
 */
export async function signingKey(secret, date, region, service) {
  let bytes = encoder.encode("AWS4" + secret);
  for (const part of [date, region, service, "aws4_request"]) {
    const next = await mac(await importKey(bytes), part);
    bytes.fill(0);
    bytes = next;
  }
  const key = await importKey(bytes);
  bytes.fill(0);
  return key;
}

/**
 * sign returns the headers of a signed POST request to the path /. The browser adds Host itself.
 * @param {Signer} signer
 * @param {{host: string, region: string, service: string, headers: Record<string, string>, body: string, date: Date}}
 *   request whose headers have lower-case names
 * @returns {Promise<Record<string, string>>}
 */
export async function sign(signer, request) {
  const time = amzDate(request.date);
  const headers = { ...request.headers, "x-amz-date": time };
  if (signer.sessionToken) headers["x-amz-security-token"] = signer.sessionToken;
  const scope = [time.slice(0, 8), request.region, request.service, "aws4_request"];
  const all = { ...headers, host: request.host };
  const names = signedHeaders.filter((name) => name in all);
  const canonical = [
    "POST", "/", "", ...names.map((name) => `${name}:${plain(all[name])}`), "", names.join(";"),
    await sha256(request.body),
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", time, scope.join("/"), await sha256(canonical)].join("\n");
  const key = await signer.key(scope[0], request.region, request.service);
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scope.join("/")}, ` +
    `SignedHeaders=${names.join(";")}, Signature=${toHex(await mac(key, text))}`;
  return headers;
}

/**
 * amzDate returns a time as 20260131T235959Z.
 * @param {Date} date
 */
export function amzDate(date) {
  return date.toISOString().replace(/[:-]|\.\d+/g, "");
}

/** plain removes the white space that the signature ignores. */
function plain(value) {
  return value.trim().replace(/ +/g, " ");
}

function importKey(bytes) {
  return crypto.subtle.importKey("raw", bytes, hmac, false, ["sign"]);
}

async function mac(key, text) {
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(text)));
}

async function sha256(text) {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text))));
}
