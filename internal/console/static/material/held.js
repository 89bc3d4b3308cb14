// The key material of the page, in one place, so that it can be overwritten.
import { wipe } from "../lib/bytes.js";
import { fingerprint, keyIdOf, keyMaterialId } from "./ids.js";
import { originalOf } from "./generate.js";

/** @typedef {{form: string, doubt: string, size: number, id: string, publicKey: Uint8Array|null,
 *   publicKeyFingerprint: string, generated: boolean}} Description what pages may keep and show of key material; size
 *   is in bytes, id is the key material ID, publicKey is DER SubjectPublicKeyInfo of a private key */

/** Held is the only object of the page that keeps key material. */
export class Held {
  #material = null;

  /**
   * take keeps material instead of the material before, which it overwrites.
   * @param {import("./parse.js").Material} material @param {string} arn of the key
   * @returns {Promise<Description>}
   */
  async take(material, arn) {
    this.wipe();
    this.#material = material;
    const { form, doubt, bytes, publicKey } = material;
    return {
      form,
      doubt,
      publicKey,
      size: bytes.length,
      generated: form === "generated",
      id: await keyMaterialId(keyIdOf(arn), bytes),
      publicKeyFingerprint: publicKey ? await fingerprint(publicKey) : "",
    };
  }

  /** use returns what a function returns for the bytes of the material. The function does not keep the bytes. */
  use(f) {
    if (!this.#material) throw new Error("The key material is no longer in this page. Choose it again.");
    return f(this.#material.bytes);
  }

  /** original returns the file of the material for its owner. The caller overwrites the content. */
  original() {
    return this.use(() => originalOf(this.#material));
  }

  /** wipe overwrites the material. Copies that the browser made, and numbers of RSA keys, stay until it frees them. */
  wipe() {
    wipe(this.#material?.bytes);
    this.#material = null;
  }
}
