// The import in two halves: the key material is wrapped on a machine with no network, with keyhold wrap.

import { download, html, useState } from "../lib/dom.js";
import { Button, Code, Failure, Field } from "../lib/parts.js";
import { fingerprint } from "../material/ids.js";
import { parametersFile, readWrapped } from "../material/files.js";
import Done from "./import_done.js";
import Parameters, { Received } from "./import_parameters.js";
import Send from "./import_send.js";
import Steps from "./import_steps.js";

/** @param {{target: object, kind: "first"|"again"|"new", api: object}} props */
export default function Offline({ target, kind, api }) {
  const [parameters, setParameters] = useState(null);
  const [wrapped, setWrapped] = useState(null);
  const [done, setDone] = useState(null);
  const { metadata } = target;
  const restart = () => {
    setWrapped(null);
    setParameters(null);
  };
  if (done) return html`<${Done} done=${done} target=${target} held=${null} api=${api} />`;
  if (wrapped) {
    return html`<${Steps} current=${4} /><${Send} target=${target} kind=${kind} sealed=${wrapped} held=${null}
      api=${api} onBack=${restart} onDone=${setDone} />`;
  }
  return html`<${Steps} current=${parameters ? 3 : 2} />
    <p>The key material never comes near this browser: you wrap it with <code>keyhold wrap</code> on a machine with no
      network. This protects the key material even from a server that serves a manipulated page.</p>
    ${
      parameters
        ? html`<${Saved} parameters=${parameters} metadata=${metadata} />`
        : html`<${Parameters} metadata=${metadata} api=${api} onDone=${setParameters} />`
    }
    <${Upload} metadata=${metadata} parameters=${parameters} onRead=${setWrapped} />`;
}

/** Saved saves the file of parameters, and shows the command for the other machine. */
function Saved({ parameters, metadata }) {
  const save = async () => {
    const { answer, algorithm } = parameters;
    download("params.json", await parametersFile(answer, metadata.KeySpec, algorithm), "application/json");
  };
  return html`<div class="actions"><${Button} kind="primary" onClick=${save}>Save params.json<//></div>
    <p>Carry the file to the machine that has the key material. It has no secret. Run there:</p>
    <${Code} text=${commandOf(parameters)} label="Copy the command" />
    <p class="note">To make new key material there, run <code>keyhold wrap</code> with <code>--generate FILE</code> in
      place of <code>--from FILE</code>.</p>
    <${Received} parameters=${parameters} />`;
}

function commandOf({ fingerprint: digits }) {
  return `keyhold wrap --params params.json --from FILE --out wrapped.json \\\n    --fingerprint "${digits}"`;
}

/** Upload reads the file that keyhold wrap wrote. */
function Upload({ metadata, parameters, onRead }) {
  const [error, setError] = useState(null);
  const read = async (event) => {
    const input = event.target;
    if (!input.files[0]) return;
    try {
      onRead(await sealedOf(await input.files[0].text(), metadata, parameters));
    } catch (failure) {
      setError(failure);
    }
    input.value = "";
  };
  return html`<h3>The wrapped key material</h3>
    <p>Bring back the file that <code>keyhold wrap</code> wrote.</p>
    <${Field} label="File of wrapped key material (wrapped.json)" type="file" accept=".json,application/json"
      onChange=${read} />
    ${error && html`<${Failure} error=${error} />`}
    <p class="note">The same on the command line:</p>
    <${Code} text=${"keyhold import --wrapped wrapped.json --expires 90d"} label="Copy the command" />`;
}

/** sealedOf returns what Send needs, if the file is for this key and for the public key of this page. */
async function sealedOf(text, { Arn, KeySpec }, parameters) {
  const file = readWrapped(text);
  if (file.arn !== Arn) throw new Error(`The file is for the key ${file.arn}, not for this one.`);
  if (parameters && file.fingerprint !== parameters.fingerprint) {
    throw new Error(
      "The key material in the file was wrapped under another public key than the one of this page. " +
        "Either the file belongs to other parameters, or somebody replaced the public key: compare the fingerprints.",
    );
  }
  const isPrivateKey = !/^(SYMMETRIC|HMAC)_/.test(KeySpec);
  if (isPrivateKey !== Boolean(file.publicKey))
    throw new Error(`The file has no key material for a key of the spec ${KeySpec}.`);
  return {
    material: file.material,
    token: file.token,
    id: file.id,
    publicKey: file.publicKey,
    fingerprint: file.fingerprint,
    validTo: file.validTo.getTime() / 1000,
    publicKeyFingerprint: file.publicKey ? await fingerprint(file.publicKey) : "",
  };
}
