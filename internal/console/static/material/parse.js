// Reads a file or a pasted text as the key material of a key spec.
import { utf8, wipe } from "../lib/bytes.js";
import { decodeBase64, decodeHex, find, isText, startsWith, trim } from "./decode.js";
import { readJWK } from "./jwk.js";
import { canonical, split, wrapElsewhere } from "./privatekey.js";
import { kindOf, sizesText } from "./specs.js";

/** @typedef {{form: string, bytes: Uint8Array, publicKey: Uint8Array|null, doubt: string}} Material
 *   form and doubt are for people; bytes are what is wrapped; publicKey is DER SubjectPublicKeyInfo of a private key */

const maxFile = 65536; // bytes

/** What to do with PEM that is not plain PKCS #8, by its label. */
const labels = {
  "ENCRYPTED PRIVATE KEY": `The private key is encrypted. ${wrapElsewhere}`,
  "RSA PRIVATE KEY": `The private key is PKCS #1. ${wrapElsewhere}`,
  "EC PRIVATE KEY": `The private key is SEC 1. ${wrapElsewhere}`,
  "OPENSSH PRIVATE KEY": "The private key is in the format of OpenSSH. Convert a copy: ssh-keygen -p -m PKCS8 -f COPY",
  "PUBLIC KEY": "This is a public key: give the private key. It cannot be computed from the public key.",
  CERTIFICATE: "This is a certificate, which holds a public key: give the private key of the certificate.",
};

/**
 * Reads key material. The caller overwrites the content and the result.
 * @param {Uint8Array} content of a file, or a text in UTF-8 @param {string} spec of the key
 * @returns {Promise<Material>}
 */
export async function parse(content, spec) {
  if (trim(content).length === 0) throw new Error("There is no key material: the file or the text is empty.");
  if (content.length > maxFile)
    throw new Error(`The file has ${content.length} bytes: a file of key material has at most 64 KiB.`);
  const readings = [];
  try {
    await read(content, readings);
    return kindOf(spec).isPrivateKey ? await choosePrivateKey(readings, spec) : chooseOctets(readings, spec, content);
  } finally {
    wipe(...readings.flatMap((reading) => [reading.octets, reading.pkcs8]));
  }
}

/** Adds what the content can mean to the readings, the most certain first. */
async function read(content, readings) {
  const text = trim(content);
  if (isUTF16(content)) throw new Error("The text is in UTF-16, as PowerShell writes it. Save the file as UTF-8.");
  if (split(content)) readings.push({ form: "PKCS #8 in DER", pkcs8: content.slice() });
  else if (!isText(text)) readings.push({ form: "raw", octets: content.slice() });
  else if (find(text, "-----BEGIN ") >= 0) readings.push({ form: "PKCS #8 in PEM", pkcs8: readPEM(text) });
  else if (text[0] === 0x7b) readings.push({ form: "JWK", ...(await readJWK(new TextDecoder().decode(text))) });
  else readEncoded(text, readings);
}

function isUTF16(content) {
  const [high, low] = startsWith(content, [0xff, 0xfe]) ? [1, 0] : [0, 1];
  return (
    (startsWith(content, [0xff, 0xfe]) || startsWith(content, [0xfe, 0xff])) &&
    content.every((c, i) => i < 2 || (i % 2 === high ? c === 0 : i % 2 === low))
  );
}

/** Reads the only private key of a PEM file, which may have other things before and after it. */
function readPEM(text) {
  const label = (at) =>
    String.fromCharCode(...text.subarray(at + 11, Math.max(at + 11, find(text, "-----", at + 11))));
  const begins = [];
  for (let at = find(text, "-----BEGIN "); at >= 0; at = find(text, "-----BEGIN ", at + 1)) begins.push(at);
  const plain = begins.filter((at) => label(at) === "PRIVATE KEY");
  if (plain.length > 1) throw new Error("The PEM file has several private keys: give a file of one.");
  if (plain.length === 0) {
    const known = begins.map(label).find((name) => labels[name]);
    throw new Error(labels[known] ?? `The PEM file has no block PRIVATE KEY. ${wrapElsewhere}`);
  }
  const from = plain[0] + 27; // after -----BEGIN PRIVATE KEY-----
  const to = find(text, "-----END PRIVATE KEY-----", from);
  const octets = to < 0 ? null : decodeBase64(text.subarray(from, to));
  if (!octets) throw new Error("The PEM file is damaged.");
  return octets;
}

function readEncoded(text, readings) {
  for (const [form, octets] of [
    ["hexadecimal", decodeHex(text)],
    ["base64", decodeBase64(text)],
  ]) {
    if (octets && split(octets)) readings.push({ form: `PKCS #8 in ${form}`, pkcs8: octets });
    else if (octets) readings.push({ form, octets });
    if (octets && form === "hexadecimal") break;
  }
  readings.push({ form: "raw", octets: text.slice(), weak: true });
}

async function choosePrivateKey(readings, spec) {
  const found = readings.find((reading) => reading.pkcs8);
  if (!found) {
    throw new Error(
      `There is no private key, and a key of the spec ${spec} needs one: plain PKCS #8 in PEM or DER, or a JWK. ` +
        'Other files: use the tab "Offline" and keyhold wrap.',
    );
  }
  const key = await canonical(found.pkcs8);
  if (key.spec !== spec) {
    wipe(key.bytes);
    throw new Error(`This is a private key of the spec ${key.spec}, and the key is of the spec ${spec}.`);
  }
  return { form: found.form, bytes: key.bytes, publicKey: key.publicKey, doubt: "" };
}

/** Chooses the first reading of a size that the spec has. Text itself is material only without a newline at its end. */
function chooseOctets(readings, spec, content) {
  const { least, most } = kindOf(spec);
  if (readings.some((reading) => reading.pkcs8))
    throw new Error(`This is a private key, and a key of the spec ${spec} takes ${sizesText(spec)}.`);
  const newline = content[content.length - 1] === 0x0a;
  if (newline && readings.length === 1 && readings[0].octets.length === least + 1) {
    throw new Error(
      `The file has ${least} bytes and a newline, which an editor or echo may have added. Take the newline off.`,
    );
  }
  const chosen = readings.find(
    ({ octets, weak }) => octets.length >= least && octets.length <= most && !(weak && newline),
  );
  if (!chosen) {
    const found = readings
      .filter((reading) => !reading.weak)
      .map(({ octets, form }) => `${octets.length} bytes (${form})`);
    const what = found.join(" or ") || `text of ${trim(content).length} characters, neither hexadecimal nor base64`;
    throw new Error(
      `This is ${what}, and a key of the spec ${spec} takes ${sizesText(spec)}: raw, hexadecimal, base64 or JWK.`,
    );
  }
  return { form: chosen.form, bytes: chosen.octets.slice(), publicKey: null, doubt: doubtOf(chosen, readings, spec) };
}

function doubtOf(chosen, readings, spec) {
  const { least, most } = kindOf(spec);
  if (chosen.form === "raw" && isText(chosen.octets)) {
    return "All of these bytes are printable text, which random bytes are not. Is this really the key material?";
  }
  const weak = readings.find((reading) => reading.weak)?.octets.length;
  if (least !== most && weak && weak <= most) {
    return `If the ${weak} characters themselves are the key, give them in hexadecimal.`;
  }
  return "";
}

/** Reads a pasted text. @param {string} text @param {string} spec @returns {Promise<Material>} */
export async function parseText(text, spec) {
  const content = utf8(text);
  try {
    return await parse(content, spec);
  } finally {
    wipe(content);
  }
}
