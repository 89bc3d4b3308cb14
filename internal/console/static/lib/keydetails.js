// The part of a key's page with its state, its materials in time, its last use and its replica keys.

import { html, useState } from "./dom.js";
import { Button, Dialog, Facts, Failure, Field, Id, Time, useAction, useLoad } from "./parts.js";
import { NextRotation } from "./keyrotation.js";
import { link } from "./route.js";
import { Timeline } from "./timeline.js";

export default function Details({ of, api, again }) {
  return html`
    <${States} of=${of} />
    <${Actions} of=${of} api=${api} again=${again} />
    <${Facts} of=${[
      ["Key ID", html`<${Id} of=${of.KeyId} label="Copy the key ID" />`], ["ARN", html`<${Id} of=${of.Arn} label="Copy the ARN" />`],
      ["Key spec", of.KeySpec], ["Key usage", of.KeyUsage], ["Origin", of.Origin],
      ["Created", html`<${Time} at=${of.CreationDate} />`],
      ["Deletion", of.DeletionDate && html`<${Time} at=${of.DeletionDate} />`],
      ["Key material expires", of.ValidTo && html`<${Time} at=${of.ValidTo} />`],
      ["Automatic rotation", isRotated(of) && html`<${NextRotation} of=${of} api=${api} />
        ${" "}<a href=${link("keys", of.KeyId, "material")}>Change the rotation</a>`],
      ["Last used", html`<${LastUse} of=${of} api=${api} />`],
      ["Replica keys", of.MultiRegionConfiguration && html`<${Replicas} of=${of.MultiRegionConfiguration} />`],
    ]} />
    <${Materials} of=${of} api=${api} />
    <${Description} of=${of} api=${api} again=${again} />`;
}

const isRotated = (of) => of.KeySpec === "SYMMETRIC_DEFAULT" && of.Origin === "AWS_KMS";

const picture = [["PendingImport", "waits for key material"], ["Enabled", "can be used"], ["Disabled", "cannot be used"],
  ["PendingDeletion", "will be deleted"]];

/** States shows the states of a key's life, and marks the present one. */
function States({ of }) {
  const shown = picture.filter(([name]) => name !== "PendingImport" || of.Origin === "EXTERNAL");
  const all = shown.some(([name]) => name === of.KeyState) ? shown : [...shown, [of.KeyState, "the present state"]];
  return html`<ol class="states" aria-label="States of the key">${all.map(([name, text]) =>
    html`<li aria-current=${name === of.KeyState ? "true" : undefined}><strong>${name}</strong> <span>${text}</span></li>`)}</ol>`;
}

function Actions({ of, api, again }) {
  const action = useAction();
  const [deleting, setDeleting] = useState(false);
  const send = (operation) => action.run(() => api.call(operation, { KeyId: of.KeyId })).then((ok) => ok && again());
  const button = (state, operation, text) => of.KeyState === state &&
    html`<${Button} busy=${action.busy} onClick=${() => send(operation)}>${text}<//>`;
  return html`<div class="actions">
      ${button("Enabled", "DisableKey", "Disable")}${button("Disabled", "EnableKey", "Enable")}
      ${button("PendingDeletion", "CancelKeyDeletion", "Cancel the deletion")}
      ${["PendingImport", "Disabled", "Enabled"].includes(of.KeyState) && of.Origin === "EXTERNAL" &&
        html`<a class="button" href=${link("import", of.KeyId)}>Import key material</a>`}
      ${!of.KeyState.includes("Deletion") && html`<${Button} kind="danger" onClick=${() => setDeleting(true)}>Schedule deletion<//>`}
    </div>
    ${action.error && html`<${Failure} error=${action.error} />`}
    <${Deletion} of=${of} api=${api} open=${deleting} onClose=${() => setDeleting(false)} again=${again} />`;
}

function Deletion({ of, api, open, onClose, again }) {
  const action = useAction();
  const submit = (event) => {
    event.preventDefault();
    const PendingWindowInDays = Number(event.target.elements.days.value);
    action.run(() => api.call("ScheduleKeyDeletion", { KeyId: of.KeyId, PendingWindowInDays })).then((ok) => {
      if (ok) again();
    });
  };
  return html`<${Dialog} title="Schedule the deletion of this key" open=${open} onClose=${onClose}>
    <p>At once, the key cannot be used. After the waiting period the server deletes the key, and nobody can
      decrypt its ciphertexts any more.</p>
    <form onSubmit=${submit}>
      <${Field} label="Waiting period in days" name="days" type="number" min="7" max="30" defaultValue="30" required />
      ${action.error && html`<${Failure} error=${action.error} />`}
      <div class="actions"><${Button} kind="danger" type="submit" busy=${action.busy}>Schedule the deletion<//>
        <${Button} onClick=${onClose}>Keep the key<//></div>
    </form><//>`;
}

function LastUse({ of, api }) {
  const found = useLoad((signal) => api.call("GetKeyLastUsage", { KeyId: of.KeyId }, { signal }), [of.KeyId]);
  if (found.error) return html`<span class="note">not shown: ${found.error.name}</span>`;
  const use = found.value?.KeyLastUsage;
  if (found.loading) return "…";
  return use?.Timestamp ? html`<${Time} at=${use.Timestamp} />, ${use.Operation}` : "never";
}

function Replicas({ of }) {
  return html`<ul>${[of.PrimaryKey, ...of.ReplicaKeys].map((k, i) =>
    html`<li>${k.Region}${i === 0 && " (primary)"}: <code>${k.Arn}</code></li>`)}</ul>`;
}

function Materials({ of, api }) {
  const symmetric = of.KeySpec === "SYMMETRIC_DEFAULT" && of.KeyState !== "Creating";
  const body = { KeyId: of.KeyId, IncludeKeyMaterial: "ALL_KEY_MATERIAL" };
  const found = useLoad(async (signal) => (symmetric ? api.all("ListKeyRotations", body, "Rotations", { signal }) : []), [of.KeyId]);
  if (found.error) return html`<h2>Key materials</h2><${Failure} error=${found.error} />`;
  if (!found.value?.length) return null;
  return html`<h2>Key materials</h2><${Timeline} of=${found.value} begun=${of.CreationDate} now=${api.now().getTime() / 1000} />`;
}

function Description({ of, api, again }) {
  const action = useAction();
  const submit = (event) => {
    event.preventDefault();
    const text = event.target.elements.description.value;
    action.run(() => api.call("UpdateKeyDescription", { KeyId: of.KeyId, Description: text })).then((ok) => ok && again());
  };
  return html`<h2>Description</h2><form onSubmit=${submit}>
    <${Field} label="Description of the key" name="description" defaultValue=${of.Description} maxlength="8192" />
    ${action.error && html`<${Failure} error=${action.error} />`}
    <${Button} type="submit" busy=${action.busy}>Save the description<//></form>`;
}
