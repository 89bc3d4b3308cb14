// Runs OpenSSL, which tells the tests what is right.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Returns a folder that is removed after the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "material-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** Runs openssl in the folder with the files, and returns its output. */
export function openssl(path, args, files = {}) {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return new Uint8Array(execFileSync("openssl", args, { cwd: path, stdio: ["pipe", "pipe", "pipe"] }));
}

/** Makes a private key, and returns it as plain PKCS #8 in PEM and DER, with its public key in DER. */
export function makeKey(path, ...options) {
  openssl(path, ["genpkey", "-out", "key.pem", ...options]);
  return {
    pem: new Uint8Array(readFileSync(join(path, "key.pem"))),
    pkcs8: openssl(path, ["pkcs8", "-topk8", "-nocrypt", "-in", "key.pem", "-outform", "DER"]),
    publicKey: openssl(path, ["pkey", "-in", "key.pem", "-pubout", "-outform", "DER"]),
  };
}

export const rsa = (bits) => ["-algorithm", "RSA", "-pkeyopt", `rsa_keygen_bits:${bits}`];
export const ec = (curve) => [
  "-algorithm",
  "EC",
  "-pkeyopt",
  `ec_paramgen_curve:${curve}`,
  "-pkeyopt",
  "ec_param_enc:named_curve",
];
