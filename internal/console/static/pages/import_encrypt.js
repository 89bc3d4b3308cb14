// Step 3 of an import: generate or read the key material, and wrap it under the wrapping public key.

import { html, useState } from "../lib/dom.js";
import { Button, Facts, Failure, Field, Id } from "../lib/parts.js";
import { fromBase64, toBase64 } from "../lib/bytes.js";
import { generate } from "../material/generate.js";
import { parse, parseText } from "../material/parse.js";
import { kindOf, sizesText } from "../material/specs.js";
import { wrap, wrappedSize } from "../material/wrap.js";
import Original from "./import_original.js";
import { Received } from "./import_parameters.js";

/** Encrypt calls onDone with the EncryptedKeyMaterial in base64. */
export default function Encrypt({ target, kind, held, parameters, material, onMaterial, onDone, onBack }) {
  const [state, setState] = useState({});
  const { KeySpec, Arn } = target.metadata;
  const run = async (work) => {
    setState({ busy: true });
    try {
      await work();
      setState({});
    } catch (error) {
      setState({ error });
    }
  };
  const take = (read) =>
    run(async () => {
      onMaterial(null);
      held.wipe();
      onMaterial(await held.take(await read(), Arn));
    });
  const encrypt = () =>
    run(async () => {
      const publicKey = fromBase64(parameters.answer.PublicKey);
      onDone(toBase64(await held.use((bytes) => wrap(publicKey, parameters.algorithm, bytes))));
    });
  return html`<${Received} parameters=${parameters} />
    <${Source} spec=${KeySpec} kind=${kind} busy=${state.busy} onRead=${take} />
    ${state.error && html`<${Failure} error=${state.error} />`}
    ${material && html`<${Described} material=${material} target=${target} kind=${kind} parameters=${parameters} />`}
    ${material?.generated && !material.kept && html`<${Original} key=${material.id} held=${held} spec=${KeySpec}
      name=${target.metadata.KeyId} onKept=${() => onMaterial({ ...material, kept: true })} />`}
    ${material?.kept && html`<p role="status">The saved file holds this key material.</p>`}
    <div class="actions">
      <${Button} kind="primary" busy=${state.busy} onClick=${encrypt}
        disabled=${!material || (material.generated && !material.kept)}>
        Encrypt the key material<//>
      <${Button} onClick=${onBack}>Back<//>
    </div>`;
}

const sources = [
  ["generate", "Generate"],
  ["file", "File"],
  ["paste", "Paste"],
];

/** Source lets the user generate, choose or paste key material. onRead gets a function that returns Material. */
function Source({ spec, kind, busy, onRead }) {
  const secp256k1 = kindOf(spec).curve === "secp256k1";
  const offered = sources.filter(([name]) => name !== "generate" || (kind !== "again" && !secp256k1));
  const [source, setSource] = useState(offered[0][0]);
  const { isPrivateKey } = kindOf(spec);
  if (secp256k1) {
    return html`<p class="notice">Browsers do not have the curve secp256k1. Use the tab Offline:
      <code>keyhold wrap</code> reads and wraps such keys.</p>`;
  }
  return html`<fieldset><legend>Key material</legend>
    <p class="choices">${offered.map(
      ([name, text]) => html`<label><input type="radio" name="source" value=${name}
      checked=${source === name} onChange=${() => setSource(name)} /> ${text}</label>`,
    )}</p>
    <p class="note">${
      isPrivateKey
        ? "A private key as plain PKCS #8 in PEM or DER, or as a JWK."
        : `${sizesText(spec)}: raw, in hexadecimal, in base64, or as a JWK.`
    }${" "}
      Other files, also encrypted ones: use the tab Offline and <code>keyhold wrap</code>.</p>
    ${source === "generate" && html`<${Button} busy=${busy} onClick=${() => onRead(() => generate(spec))}>
      Generate key material<//>`}
    ${source === "file" && html`<${Field} label="File of key material" type="file"
      onChange=${(e) => readFile(e.target, spec, onRead)} />`}
    ${source === "paste" && html`<${Paste} spec=${spec} busy=${busy} onRead=${onRead} />`}
  </fieldset>`;
}

function readFile(input, spec, onRead) {
  const file = input.files[0];
  if (!file) return;
  onRead(async () => {
    if (file.size > 65536)
      throw new Error(`The file has ${file.size} bytes: a file of key material has at most 64 KiB.`);
    const content = new Uint8Array(await file.arrayBuffer());
    input.value = "";
    try {
      return await parse(content, spec);
    } finally {
      content.fill(0);
    }
  });
}

function Paste({ spec, busy, onRead }) {
  const read = (event) => {
    event.preventDefault();
    const area = event.target.elements.material;
    const text = area.value;
    area.value = "";
    onRead(() => parseText(text, spec));
  };
  return html`<form onSubmit=${read}>
    <${Field} label="Text of the key material"
      hint="The field is emptied when the text is read. Empty the clipboard too.">${(attributes) =>
      html`<textarea name="material" autocomplete="off" spellcheck=${false} ...${attributes}></textarea>`}<//>
    <${Button} type="submit" busy=${busy}>Read the text<//>
  </form>`;
}

/** Described shows what is known about the key material, and nothing of it. */
function Described({ material, target, kind, parameters }) {
  const known = target.materials.some((m) => m.KeyMaterialId === material.id);
  const unfit = kind === "again" && target.materials.length > 0 && !known;
  return html`<${Facts} of=${[
    ["Form", material.form],
    ["Size", `${material.size} bytes`],
    ["Wrapped size", `${wrappedSize(parameters.algorithm, parameters.wrappingKeySpec, material.size)} bytes`],
    ["Key material ID", html`<${Id} of=${material.id} label="Copy the key material ID" />`],
    [
      "SHA-256 of the public key",
      material.publicKeyFingerprint && html`<code>${material.publicKeyFingerprint}</code>`,
    ],
  ].filter(([, value]) => value)} />
  ${material.doubt && html`<p class="notice" role="status">${material.doubt}</p>`}
  ${
    unfit &&
    html`<p class="notice" role="status">This key has never had this key material: the server will refuse it.
    Choose the original of this key, or choose "New key material" above.</p>`
  }
  ${
    kind === "new" &&
    known &&
    html`<p class="notice" role="status">This key already has had this key material: the server
    will refuse it as new.</p>`
  }`;
}
