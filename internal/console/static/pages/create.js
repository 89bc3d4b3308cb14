// Create a key.

import { html, useState } from "../lib/dom.js";
import { Button, Failure, Field, Select, useAction } from "../lib/parts.js";
import { link } from "../lib/route.js";
import { origins, usages } from "../lib/specs.js";

export default function Create({ api }) {
  const [spec, setSpec] = useState("SYMMETRIC_DEFAULT");
  const [made, setMade] = useState(null); // a key whose alias was refused
  const action = useAction();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    action.run(async () => {
      const key = made ?? (await api.call("CreateKey", bodyOf(form))).KeyMetadata;
      setMade(key);
      const AliasName = form.get("alias").trim();
      if (AliasName) await api.call("CreateAlias", { AliasName, TargetKeyId: key.KeyId });
      location.hash = form.get("origin") === "EXTERNAL" ? link("import", key.KeyId) : link("keys", key.KeyId);
    });
  };
  return html`<h1>Create a key</h1><form onSubmit=${submit}>
    <${Select} label="Key spec" name="spec" value=${spec} options=${Object.keys(usages)} onChange=${(e) => setSpec(e.target.value)} />
    <${Select} key=${spec} label="Key usage" name="usage" options=${usages[spec]} />
    <${Select} label="Key material" name="origin" options=${origins} />
    <${Field} label="Alias" name="alias" placeholder="alias/payments" maxlength="256" hint="It begins with alias/, and can be left out." />
    <${Field} label="Description" name="description" maxlength="8192" hint="It can be left out." />
    <p><label><input type="checkbox" name="multiRegion" /> Multi-Region key</label></p>
    ${action.error && html`<${Failure} error=${action.error} />`}
    ${made && action.error && html`<p class="notice">The key ${made.KeyId} was created without the alias.
      <a href=${link("keys", made.KeyId)}>Show the key</a></p>`}
    <${Button} kind="primary" type="submit" busy=${action.busy}>Create the key<//></form>`;
}

function bodyOf(form) {
  return { KeySpec: form.get("spec"), KeyUsage: form.get("usage"), Origin: form.get("origin"),
    Description: form.get("description"), MultiRegion: form.has("multiRegion") };
}
