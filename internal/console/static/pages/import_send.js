// Step 4 of an import: choose the expiry, send the wrapped key material, and prove the import.

import { html, useState } from "../lib/dom.js";
import { Button, Facts, Failure, Time } from "../lib/parts.js";
import { membersOf, problemOf } from "../material/expiry.js";
import { prove } from "../material/prove.js";
import Dependents from "./import_dependents.js";
import Expiry from "./import_expiry.js";

/** What to do when an accepted import is not proved. The command-line program has the same remedy. */
const notProved = {
  why: "The server may hold other key material than yours, or is not a Keyhold server.",
  do: "Do not use the key yet. Delete its key material, and find out which server answers at this address.",
};

/**
 * Send imports wrapped material.
 * @param {object} props
 * @param {{material: string, token: string, id: string, publicKey: Uint8Array|null, fingerprint: string,
 *   validTo: number}} props.sealed material and token are in base64; validTo is the end of the token
 * @param {import("../material/held.js").Held|null} props.held null if the material was wrapped elsewhere
 */
export default function Send({ target, kind, sealed, held, api, onBack, onDone }) {
  const [expiry, setExpiry] = useState(undefined); // null for no expiry
  const [state, setState] = useState({});
  const { metadata } = target;
  const send = async () => {
    setState({ busy: true });
    try {
      onDone(await importAndProve({ api, metadata, kind, sealed, held, expiry }));
    } catch (error) {
      setState({ error });
    }
  };
  const problem = expiry !== null && problemOf(expiry, nowOf(api));
  return html`<${Facts} of=${[
    ["Key material ID", html`<code>${sealed.id}</code>`],
    ["Wrapped under the public key", html`<code>${sealed.fingerprint}</code>`],
    ["Import token valid until", html`<${Time} at=${sealed.validTo} />`],
  ]} />
  <${Expiry} now=${nowOf(api)} value=${expiry} onValue=${setExpiry} />
  <${Dependents} metadata=${metadata} expiry=${expiry} api=${api} />
  ${state.error && html`<${Failure} error=${state.error} />`}
  <div class="actions">
    <${Button} kind="primary" busy=${state.busy} disabled=${Boolean(problem)} onClick=${send}>
      Import the key material<//>
    <${Button} disabled=${state.busy} onClick=${onBack}>Start again with a new public key<//>
  </div>`;
}

/** nowOf returns the time of the server, in seconds. */
const nowOf = (api) => (api.now?.().getTime() ?? Date.now()) / 1000;

/** importAndProve imports the material, overwrites it unless a later proof needs it, and returns what was proved. */
async function importAndProve({ api, metadata, kind, sealed, held, expiry }) {
  const { KeyMaterialId: serversId } = await api.call("ImportKeyMaterial", {
    KeyId: metadata.Arn,
    EncryptedKeyMaterial: sealed.material,
    ImportToken: sealed.token,
    ...membersOf(expiry),
    ...(kind === "new" ? { ImportType: "NEW_KEY_MATERIAL" } : {}),
  });
  const waits = await waitsFor(api, metadata, serversId);
  const imported = {
    arn: metadata.Arn,
    spec: metadata.KeySpec,
    publicKey: sealed.publicKey,
    id: sealed.id,
    serversId,
    waits: waits.reason,
  };
  const done = { ...imported, expiry, rotatable: waits.rotatable, failure: null, held: [], notTried: "" };
  try {
    return { ...done, ...(await proveWith(api, imported, held)) };
  } catch (failure) {
    if (failure.name === "NotProved") failure.remedy = notProved;
    return { ...done, failure };
  }
}

/** proveWith proves the import with the material of the page, and overwrites the material unless it waits. */
export async function proveWith(api, imported, held) {
  const call = (operation, body) => api.call(operation, body);
  try {
    return held
      ? await held.use((bytes) => prove(call, { ...imported, bytes }))
      : await prove(call, { ...imported, bytes: null });
  } finally {
    if (!imported.waits) held?.wipe();
  }
}

const reasons = {
  NON_CURRENT: "The server does not encrypt with earlier key material, so there was no challenge.",
  PENDING_ROTATION: "The key material waits for a rotation. There can be a challenge after the rotation.",
  PENDING_MULTI_REGION_IMPORT_AND_ROTATION:
    "The key material waits until each replica key has it, and for a rotation.",
};

/** waitsFor returns why the server does not use the material now, or "", and whether the key can be rotated. */
async function waitsFor(api, { KeySpec, Arn }, id) {
  if (KeySpec !== "SYMMETRIC_DEFAULT") return { reason: "", rotatable: false };
  const body = { KeyId: Arn, IncludeKeyMaterial: "ALL_KEY_MATERIAL" };
  try {
    const all = await api.all("ListKeyRotations", body, "Rotations");
    const state = all.find((m) => m.KeyMaterialId === id)?.KeyMaterialState;
    return { reason: reasons[state] ?? "", rotatable: state === "PENDING_ROTATION" };
  } catch {
    return { reason: "", rotatable: false }; // the challenge shows whether the server uses the material
  }
}
