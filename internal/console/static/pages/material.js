// The key material of a key: what it has, what is missing, and what can be done with it.

import { html, useState } from "../lib/dom.js";
import { Rotation } from "../lib/keyrotation.js";
import { Badge, Button, Copy, Dialog, Facts, Failure, Field, Id, Load, State, Table, Time, useLoad } from "../lib/parts.js";
import { link } from "../lib/route.js";
import Ways from "./import_ways.js";

export default function Material({ route, api }) {
  const { id } = route.params;
  const found = useLoad((signal) => read(api, id, signal), [id]);
  return html`<h1>Key material</h1>
    <${Load} of=${found} what="the key material">${(key) =>
      html`<${Of} ...${key} api=${api} again=${found.again} />`}<//>`;
}

/** read returns the key and, of a symmetric key, its materials. */
async function read(api, id, signal) {
  const { KeyMetadata: metadata } = await api.call("DescribeKey", { KeyId: id }, { signal });
  if (metadata.KeySpec !== "SYMMETRIC_DEFAULT") return { metadata, materials: null };
  const body = { KeyId: metadata.Arn, IncludeKeyMaterial: "ALL_KEY_MATERIAL" };
  return { metadata, materials: await api.all("ListKeyRotations", body, "Rotations", { signal }) };
}

function Of({ metadata, materials, api, again }) {
  const [leaving, setLeaving] = useState(null); // the material of the open dialog
  const here = link("import", metadata.KeyId);
  const external = metadata.Origin === "EXTERNAL";
  const waits = materials?.some((m) => m.KeyMaterialState === "PENDING_ROTATION");
  return html`<${Facts} of=${[
    ["Key", html`<a href=${link("keys", metadata.KeyId)}><code>${metadata.Arn}</code></a>
      ${" "}<${Copy} text=${metadata.Arn} label="Copy the ARN" />`],
    ["State", html`<${State} of=${metadata.KeyState} />`],
    ["Key spec", metadata.KeySpec],
    ["Origin", metadata.Origin],
    ["Key material expires", metadata.ValidTo && html`<${Time} at=${metadata.ValidTo} />`],
  ]} />
  ${external && html`<${Ways} id=${metadata.KeyId} current="materials" />`}
  ${
    materials &&
    html`<${Table} caption="Materials of the key" rows=${materials} columns=${columnsOf(external && setLeaving)}
    keyOf=${(m) => m.KeyMaterialId} />`
  }
  ${
    external
      ? html`<div class="actions">
      <a class="button" href=${here}>Import the key material again</a>
      ${materials && html`<a class="button" href=${here + "?new"}>Import new key material</a>`}
      ${
        !materials &&
        metadata.KeyState !== "PendingImport" &&
        html`<${Button} kind="danger" onClick=${() => setLeaving({})}>Delete the key material<//>`
      }
    </div>`
      : html`<p class="note">The server generates the key material of this key.</p>`
  }
  ${materials && html`<${Rotation} of=${metadata} api=${api} waits=${waits} again=${again} />`}
  <${Delete} material=${leaving} metadata=${metadata} api=${api} onClose=${() => setLeaving(null)} again=${again} />`;
}

const states = {
  CURRENT: ["good", "current"],
  NON_CURRENT: ["", "earlier"],
  PENDING_ROTATION: ["warn", "waits for a rotation"],
  PENDING_MULTI_REGION_IMPORT_AND_ROTATION: ["warn", "waits for replica keys and a rotation"],
};

/** columnsOf returns the columns of the table; onDelete is called with the material to delete, or is false. */
function columnsOf(onDelete) {
  const imported = (m) => m.ImportState !== "PENDING_IMPORT";
  return [
    { head: "Key material ID", cell: (m) => html`<${Id} of=${m.KeyMaterialId} label="Copy the key material ID" />` },
    {
      head: "Use",
      cell: (m) => {
        const [kind, text] = states[m.KeyMaterialState] ?? ["", m.KeyMaterialState];
        return html`<${Badge} kind=${kind}>${text}<//>`;
      },
    },
    { head: "On the server", cell: (m) => (imported(m) ? "yes" : html`<${Badge} kind="bad">missing<//>`) },
    { head: "Expires", cell: (m) => (m.ValidTo ? html`<${Time} at=${m.ValidTo} />` : imported(m) ? "never" : "") },
    { head: "Rotated", cell: (m) => html`<${Time} at=${m.RotationDate} />` },
    { head: "Description", cell: (m) => m.KeyMaterialDescription },
    {
      head: html`<span class="hidden">Actions</span>`,
      cell: (m) => onDelete && imported(m) && html`<${Button} kind="danger" onClick=${() => onDelete(m)}>Delete<//>`,
    },
  ];
}

/** Delete asks before it deletes key material: the person types the end of the key ID. */
function Delete({ material, metadata, api, onClose, again }) {
  const [state, setState] = useState({});
  const [typed, setTyped] = useState("");
  const word = metadata.KeyId.slice(-12);
  const close = () => {
    setState({});
    setTyped("");
    onClose();
  };
  const remove = async (event) => {
    event.preventDefault();
    setState({ busy: true });
    try {
      const name = material.KeyMaterialId ? { KeyMaterialId: material.KeyMaterialId } : {};
      await api.call("DeleteImportedKeyMaterial", { KeyId: metadata.Arn, ...name });
      close();
      again();
    } catch (error) {
      setState({ error });
    }
  };
  return html`<${Dialog} title="Delete key material" open=${Boolean(material)} onClose=${close}>
    <form onSubmit=${remove}>
      <p>The server erases the key material at once, and the key cannot be used. Only the original, which you keep,
        brings the key back: import the same key material again.</p>
      <${Field} label=${`Type the last 12 characters of the key ID: ${word}`} value=${typed}
        onInput=${(e) => setTyped(e.target.value)} />
      ${state.error && html`<${Failure} error=${state.error} />`}
      <div class="actions">
        <${Button} kind="danger" type="submit" busy=${state.busy} disabled=${typed.trim() !== word}>
          Delete the key material<//>
        <${Button} onClick=${close}>Keep it<//>
      </div>
    </form><//>`;
}
