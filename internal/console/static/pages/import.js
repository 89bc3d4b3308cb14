// The import wizard. Key material is generated or read, wrapped and proved in the page: the server gets it encrypted
// under the wrapping public key.

import { html, useState } from "../lib/dom.js";
import { Facts, Id, Load, State, Time, useLoad } from "../lib/parts.js";
import { link } from "../lib/route.js";
import { importableSpecs } from "../material/specs.js";
import Choose from "./import_choose.js";
import Offline from "./import_offline.js";
import Online from "./import_online.js";
import Ways from "./import_ways.js";

export default function Import({ route, api }) {
  const { id } = route.params;
  return html`<h1>Import key material</h1>
    ${id ? html`<${Into} id=${id} query=${route.query} api=${api} />` : html`<${Choose} api=${api} />`}`;
}

function Into({ id, query, api }) {
  const target = useLoad((signal) => describe(api, id, signal), [id]);
  return html`<${Load} of=${target} what="the key">${(found) =>
    html`<${Wizard} key=${found.metadata.Arn} target=${found} query=${query} api=${api} />`}<//>`;
}

/**
 * describe returns the key and the materials that it has had, as far as the caller may list them.
 * @returns {Promise<{metadata: object, materials: object[]}>}
 */
async function describe(api, id, signal) {
  const { KeyMetadata: metadata } = await api.call("DescribeKey", { KeyId: id }, { signal });
  if (metadata.Origin !== "EXTERNAL" || metadata.KeySpec !== "SYMMETRIC_DEFAULT") return { metadata, materials: [] };
  const body = { KeyId: metadata.Arn, IncludeKeyMaterial: "ALL_KEY_MATERIAL" };
  try {
    return { metadata, materials: await api.all("ListKeyRotations", body, "Rotations", { signal }) };
  } catch (error) {
    if (error.name !== "AccessDeniedException") throw error;
    return { metadata, materials: [] };
  }
}

function Wizard({ target, query, api }) {
  const { metadata } = target;
  const [kind, setKind] = useState(kindOf(target, query.has("new")));
  const offline = query.get("tab") === "offline";
  const refusal = refusalOf(metadata);
  if (refusal) {
    return html`<p class="notice">${refusal}</p><p><a href=${link("keys", metadata.KeyId)}>Show the key</a></p>`;
  }
  return html`<${Facts} of=${factsOf(metadata)} />
    ${kind !== "first" && html`<${Kind} kind=${kind} target=${target} onKind=${setKind} />`}
    <${Ways} id=${metadata.KeyId} current=${offline ? "offline" : "here"} isNew=${kind === "new"} />
    <${offline ? Offline : Online} key=${kind} target=${target} kind=${kind} api=${api} />`;
}

/** kindOf returns "first" for material that is the first of its key, or may be; otherwise "again" or "new". */
function kindOf({ metadata, materials }, wantsNew) {
  if (metadata.KeySpec !== "SYMMETRIC_DEFAULT" || (materials.length === 0 && !metadata.CurrentKeyMaterialId))
    return "first";
  return wantsNew ? "new" : "again";
}

function refusalOf({ Origin, KeySpec, KeyState }) {
  if (Origin !== "EXTERNAL") {
    return "The server generates the key material of this key, so nothing can be imported into it.";
  }
  if (!importableSpecs.includes(KeySpec)) return `Key material cannot be imported into keys of the spec ${KeySpec}.`;
  return KeyState.includes("Deletion") && "The key is scheduled for deletion. Cancel the deletion first.";
}

function factsOf({ Arn, KeySpec, KeyState, Description, ValidTo }) {
  return [
    ["Key", html`<${Id} of=${Arn} label="Copy the ARN" />`],
    ["Key spec", KeySpec],
    ["State", html`<${State} of=${KeyState} />`],
    ["Description", Description || undefined],
    ["Key material expires", ValidTo && html`<${Time} at=${ValidTo} />`],
  ];
}

/** Kind chooses between material that the key has had and new material. */
function Kind({ kind, target, onKind }) {
  const replica = target.metadata.MultiRegionConfiguration?.MultiRegionKeyType === "REPLICA";
  const choice = (value, text, hint) => html`<p><label><input type="radio" name="kind" value=${value}
    checked=${kind === value} disabled=${value === "new" && replica} onChange=${() => onKind(value)} /> ${text}</label>
    <span class="hint"> ${hint}</span></p>`;
  return html`<fieldset><legend>Which key material?</legend>
    ${choice("again", "Key material that this key has had",
      "It is imported again, also with another expiry. The key accepts no other key material.")}
    ${choice(
      "new",
      "New key material",
      replica
        ? "Import it into the primary key first."
        : "It waits until the key is rotated on demand. Ciphertexts of earlier material stay readable.",
    )}
  </fieldset>`;
}
