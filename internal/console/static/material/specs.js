// The key specs whose material can be imported: sizes, kinds and wrappings.

/**
 * wrappings lists the wrapping keys with which each wrapping algorithm wraps material of a key spec: "all",
 * "none", or all except one. A test compares the table with that of the server.
 */
export const wrappings = `
key spec           RSAES_OAEP_SHA_1  RSAES_OAEP_SHA_256  RSA_AES_KEY_WRAP_SHA_1  RSA_AES_KEY_WRAP_SHA_256  RSAES_PKCS1_V1_5  SM2PKE
SYMMETRIC_DEFAULT  all               all                 none                    none                      none              none
HMAC_224           all               all                 none                    none                      none              none
HMAC_256           all               all                 none                    none                      none              none
HMAC_384           all               all                 none                    none                      none              none
HMAC_512           all               all                 none                    none                      none              none
RSA_2048           none              none                all                     all                       none              none
RSA_3072           none              none                all                     all                       none              none
RSA_4096           none              none                all                     all                       none              none
ECC_NIST_P256      all               all                 all                     all                       none              none
ECC_NIST_P384      all               all                 all                     all                       none              none
ECC_NIST_P521      not-RSA_2048      not-RSA_2048        all                     all                       none              none
ECC_SECG_P256K1    all               all                 all                     all                       none              none
`;

/**
 * The kind of the material of each key spec. Sizes are in bytes; HMAC material is at least as long as the hash and
 * at most 1,024 bits (AWS KMS developer guide, "Requirements for imported key material").
 */
const kinds = {
  SYMMETRIC_DEFAULT: { usage: "ENCRYPT_DECRYPT", least: 32, most: 32 },
  HMAC_224: { usage: "GENERATE_VERIFY_MAC", least: 28, most: 128, hash: "SHA-224" },
  HMAC_256: { usage: "GENERATE_VERIFY_MAC", least: 32, most: 128, hash: "SHA-256" },
  HMAC_384: { usage: "GENERATE_VERIFY_MAC", least: 48, most: 128, hash: "SHA-384" },
  HMAC_512: { usage: "GENERATE_VERIFY_MAC", least: 64, most: 128, hash: "SHA-512" },
  RSA_2048: { usage: "SIGN_VERIFY", bits: 2048 },
  RSA_3072: { usage: "SIGN_VERIFY", bits: 3072 },
  RSA_4096: { usage: "SIGN_VERIFY", bits: 4096 },
  ECC_NIST_P256: { usage: "SIGN_VERIFY", curve: "P-256", size: 32 },
  ECC_NIST_P384: { usage: "SIGN_VERIFY", curve: "P-384", size: 48 },
  ECC_NIST_P521: { usage: "SIGN_VERIFY", curve: "P-521", size: 66 },
  ECC_SECG_P256K1: { usage: "SIGN_VERIFY", curve: "secp256k1", size: 32 },
};

/** The specs of keys whose material can be imported. @type {string[]} */
export const importableSpecs = Object.keys(kinds);

/** The specs of wrapping keys. SM2 exists in the China Regions only. @type {string[]} */
export const wrappingKeySpecs = ["RSA_4096", "RSA_3072", "RSA_2048"];

/**
 * Describes the material of a key spec.
 * @param {string} spec @returns {{usage: string, least?: number, most?: number, hash?: string, bits?: number,
 *   curve?: string, size?: number, isPrivateKey: boolean}} sizes in bytes, bits of the modulus
 */
export function kindOf(spec) {
  const kind = kinds[spec];
  if (!kind) throw new Error(`Key material cannot be imported into keys of the spec ${spec}.`);
  return { ...kind, isPrivateKey: kind.least === undefined };
}

/** @param {string} spec @returns {string} the sizes of material that is not a private key, for people */
export function sizesText(spec) {
  const { least, most } = kindOf(spec);
  return least === most ? `${least} bytes` : `${least} to ${most} bytes`;
}

/**
 * Reports whether the algorithm wraps material of the spec under a wrapping key.
 * @param {string} spec @param {string} algorithm @param {string} wrappingKeySpec @returns {boolean}
 */
export function permits(spec, algorithm, wrappingKeySpec) {
  const [head, ...rows] = wrappings.trim().split("\n");
  const column = head.split(/\s\s+/).indexOf(algorithm);
  const word = rows.map((row) => row.split(/\s+/)).find((cells) => cells[0] === spec)?.[column];
  if (column < 1 || !word || !wrappingKeySpecs.includes(wrappingKeySpec)) return false;
  return word === "all" || (word.startsWith("not-") && word !== `not-${wrappingKeySpec}`);
}
