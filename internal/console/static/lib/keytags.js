// The tags of a key.

import { html } from "./dom.js";
import { Button, Empty, Failure, Field, Load, Table, useAction, useLoad } from "./parts.js";

export default function Tags({ of, api }) {
  const found = useLoad((signal) => api.all("ListResourceTags", { KeyId: of.KeyId }, "Tags", { signal }), [of.KeyId]);
  const action = useAction();
  const change = (operation, body, form) => action.run(() => api.call(operation, { KeyId: of.KeyId, ...body })).then((ok) => {
    if (!ok) return;
    form?.reset();
    found.again();
  });
  const add = (event) => {
    event.preventDefault();
    const { name, value } = event.target.elements;
    change("TagResource", { Tags: [{ TagKey: name.value, TagValue: value.value }] }, event.target);
  };
  const columns = [
    { head: "Name", cell: (t) => t.TagKey }, { head: "Value", cell: (t) => t.TagValue },
    { head: "", cell: (t) => html`<${Button} busy=${action.busy} onClick=${() =>
      change("UntagResource", { TagKeys: [t.TagKey] })}>Remove ${t.TagKey}<//>` },
  ];
  return html`<p class="note">Policies can depend on tags.</p>
    <${Load} of=${found} what="the tags">${(tags) => tags.length === 0
      ? html`<${Empty} title="The key has no tags." />`
      : html`<${Table} caption="Tags" rows=${tags} keyOf=${(t) => t.TagKey} columns=${columns} />`}<//>
    ${action.error && html`<${Failure} error=${action.error} />`}
    <h2>Add or change a tag</h2>
    <form onSubmit=${add}><${Field} label="Name of the tag" name="name" required maxlength="128" />
      <${Field} label="Value of the tag" name="value" maxlength="256" />
      <${Button} type="submit" busy=${action.busy}>Save the tag<//></form>`;
}
