// The two files of an import in two halves (docs/import-files.md).
import { fromBase64 } from "../lib/bytes.js";
import { fingerprint, keyIdOf } from "./ids.js";

const parametersFormat = "keyhold-import-parameters-v1";
const wrappedFormat = "keyhold-wrapped-material-v1";
const wrappedMembers = [
  "KeyId",
  "EncryptedKeyMaterial",
  "ImportToken",
  "KeyMaterialId",
  "PublicKeyFingerprint",
  "ParametersValidTo",
];

/** @param {number} seconds since 1970 @returns {string} RFC 3339 in UTC, without fractions */
export const timeText = (seconds) => new Date(Math.floor(seconds) * 1000).toISOString().replace(".000Z", "Z");

/**
 * Returns the file of parameters for keyhold wrap. It has no secret.
 * @param {{KeyId: string, PublicKey: string, ImportToken: string, ParametersValidTo: number}} answer of
 *   GetParametersForImport
 * @param {string} spec of the key @param {string} algorithm of the request @returns {Promise<string>} JSON
 */
export async function parametersFile(answer, spec, algorithm) {
  return `${JSON.stringify(
    {
      Format: parametersFormat,
      KeyId: answer.KeyId,
      KeySpec: spec,
      WrappingAlgorithm: algorithm,
      PublicKey: answer.PublicKey,
      PublicKeyFingerprint: await fingerprint(fromBase64(answer.PublicKey)),
      ImportToken: answer.ImportToken,
      ParametersValidTo: timeText(answer.ParametersValidTo),
    },
    null,
    2,
  )}\n`;
}

/**
 * Reads the file of wrapped material that keyhold wrap wrote.
 * @param {string} text
 * @returns {{arn: string, material: string, token: string, id: string, fingerprint: string, validTo: Date,
 *   publicKey: Uint8Array|null}} material and token in base64
 */
export function readWrapped(text) {
  let members;
  try {
    members = JSON.parse(text);
  } catch {
    throw new Error("This is not a file of wrapped material: it is not JSON, or was cut off.");
  }
  if (members?.Format === parametersFormat)
    throw new Error(
      "This is the file of parameters. Give it to keyhold wrap with --params, and choose the file of its --out here.",
    );
  if (members?.Format !== wrappedFormat)
    throw new Error(`This is not a file of wrapped material: its Format is not ${wrappedFormat}.`);
  for (const name of Object.keys(members)) checkMember(name, members[name]);
  const missing = wrappedMembers.find((name) => !members[name]);
  if (missing) throw new Error(`The file of wrapped material is damaged: the member ${missing} is missing or empty.`);
  return valuesOf(members);
}

function checkMember(name, value) {
  if (![...wrappedMembers, "Format", "MaterialPublicKey"].includes(name))
    throw new Error(`The file of wrapped material is damaged: the member ${JSON.stringify(name)} is unknown.`);
  if (typeof value !== "string" || value === "")
    throw new Error(`The file of wrapped material is damaged: the member ${name} is not text, or is empty.`);
}

function valuesOf(members) {
  keyIdOf(members.KeyId);
  const damaged = (name, what) =>
    new Error(`The file of wrapped material is damaged: the member ${name} is not ${what}.`);
  const octets = {};
  for (const name of ["EncryptedKeyMaterial", "ImportToken", "MaterialPublicKey"]) {
    if (!members[name]) continue;
    try {
      octets[name] = fromBase64(members[name]);
    } catch {
      throw damaged(name, "base64");
    }
  }
  if (!/^[0-9a-f]{64}$/.test(members.KeyMaterialId))
    throw damaged("KeyMaterialId", "64 lower-case hexadecimal digits");
  const validTo = new Date(members.ParametersValidTo);
  if (Number.isNaN(validTo.getTime())) throw damaged("ParametersValidTo", "a time such as 2030-01-31T12:00:00Z");
  return {
    arn: members.KeyId,
    material: members.EncryptedKeyMaterial,
    token: members.ImportToken,
    id: members.KeyMaterialId,
    fingerprint: members.PublicKeyFingerprint,
    validTo,
    publicKey: octets.MaterialPublicKey ?? null,
  };
}
