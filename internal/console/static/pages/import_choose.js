// Step 1 of an import: create a key with no key material, or choose a key that waits for key material.

import { html, useState } from "../lib/dom.js";
import { Button, Empty, Failure, Field, Load, Select, Table, Time, useLoad } from "../lib/parts.js";
import { link } from "../lib/route.js";
import { importableSpecs, kindOf } from "../material/specs.js";
import Steps from "./import_steps.js";

export default function Choose({ api }) {
  return html`<${Steps} current=${1} />
    <p>Key material is imported into a key whose origin is <code>EXTERNAL</code>. This tells the server not to generate
      key material.</p>
    <${Create} api=${api} /><${Pending} api=${api} />`;
}

/** usagesOf returns the key usages of a spec, the usual one first. */
export function usagesOf(spec) {
  const { usage, bits, curve } = kindOf(spec);
  if (bits) return [usage, "ENCRYPT_DECRYPT"];
  return curve && curve !== "secp256k1" ? [usage, "KEY_AGREEMENT"] : [usage];
}

function Create({ api }) {
  const [spec, setSpec] = useState("SYMMETRIC_DEFAULT");
  const [state, setState] = useState({});
  const submit = async (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    setState({ busy: true });
    try {
      location.hash = link(
        "import",
        await create(api, given, state.created, (created) => setState({ busy: true, created })),
      );
    } catch (error) {
      setState((before) => ({ created: before.created, error }));
    }
  };
  return html`<h3>Create a key with no key material</h3>
    <form onSubmit=${submit}>
      <${Select} label="Key spec" name="spec" value=${spec} options=${importableSpecs}
        onChange=${(e) => setSpec(e.target.value)} />
      <${Select} label="Key usage" name="usage" options=${usagesOf(spec)} />
      <${Field} label="Alias" name="alias" placeholder="alias/payments" pattern="alias/[a-zA-Z0-9\\/_\\-]+"
        hint="A name for the key, which begins with alias/. It can be left out." />
      <${Field} label="Description" name="description" maxlength="8192" hint="It can be left out." />
      <p><label><input type="checkbox" name="multiRegion" /> Multi-Region key</label></p>
      ${state.error && html`<${Failure} error=${state.error} />`}
      ${
        state.created &&
        !state.busy &&
        html`<p class="notice">The key ${state.created} was created without the alias.
        <a href=${link("import", state.created)}>Continue with this key</a></p>`
      }
      <${Button} kind="primary" type="submit" busy=${state.busy}>Create the key<//>
    </form>`;
}

/** create makes the key and its alias, and returns the key ID. onCreated is called between the two. */
async function create(api, given, created, onCreated) {
  let id = created;
  if (!id) {
    const { KeyMetadata } = await api.call("CreateKey", {
      Origin: "EXTERNAL",
      KeySpec: given.get("spec"),
      KeyUsage: given.get("usage"),
      Description: given.get("description"),
      MultiRegion: given.has("multiRegion"),
    });
    id = KeyMetadata.KeyId;
    onCreated(id);
  }
  const alias = given.get("alias").trim();
  if (alias) await api.call("CreateAlias", { AliasName: alias, TargetKeyId: id });
  return id;
}

const most = 100;

function Pending({ api }) {
  const body = { KeyState: "PendingImport", Origin: "EXTERNAL", Limit: 100 };
  const keys = useLoad((signal) => api.all("KeyholdAdmin.ListKeySummaries", body, "Keys", { signal, most }), []);
  return html`<h3>Or choose a key that waits for key material</h3>
    <${Load} of=${keys} what="the keys">${(all) =>
      all.length === 0
        ? html`<${Empty} title="No key waits for key material." />`
        : html`<${Table} caption="Keys that wait for key material" rows=${all.slice(0, most)} columns=${columns}
          keyOf=${(k) => k.KeyMetadata.KeyId} />
        ${all.length >= most && html`<p class="note">These are the first ${most} keys.
          <a href="#/keys">Show all keys</a></p>`}`}<//>`;
}

const columns = [
  { head: "Key", cell: (k) => html`<a href=${link("import", k.KeyMetadata.KeyId)}>${k.KeyMetadata.KeyId}</a>` },
  { head: "Aliases", cell: (k) => (k.Aliases ?? []).join(", ") },
  { head: "Key spec", cell: (k) => k.KeyMetadata.KeySpec },
  { head: "Description", cell: (k) => k.KeyMetadata.Description },
  { head: "Created", cell: (k) => html`<${Time} at=${k.KeyMetadata.CreationDate} />` },
];
