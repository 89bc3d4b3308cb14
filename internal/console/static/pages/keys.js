// The keys of the account in the Region, in pages of 100, with filters.

import { html } from "../lib/dom.js";
import { Denied } from "../lib/denied.js";
import { goTo } from "../lib/forms.js";
import { Button, Empty, Field, Loading, Select, State, Table, Time, useLoad } from "../lib/parts.js";
import { link } from "../lib/route.js";
import { origins, states, usages } from "../lib/specs.js";

const size = 100; // keys on a page
const mostRequests = 20; // for one page, each of which examines a limited number of keys

export default function Keys({ api, route }) {
  const form = Object.fromEntries(route.query);
  const found = useLoad((signal) => read(api, form, signal), [route.query.toString()]);
  return html`<h1>Keys</h1>
    <${Filters} key=${route.query.toString()} form=${form} />
    ${found.error ? html`<${Denied} error=${found.error} action="keyhold:ListKeySummaries" again=${found.again} />`
      : found.loading ? html`<${Loading} what="the keys" />` : html`<${Found} of=${found.value} form=${form} />`}`;
}

/** read returns a page of keys, and the marker of the next one. */
async function read(api, form, signal) {
  const body = bodyOf(form);
  const page = { keys: [], marker: form.after, notShown: 0 };
  for (let n = 0; n < mostRequests && page.keys.length < size; n++) {
    const answer = await api.call("KeyholdAdmin.ListKeySummaries",
      { ...body, Limit: size - page.keys.length, ...(page.marker ? { Marker: page.marker } : {}) }, { signal });
    page.keys.push(...answer.Keys);
    page.notShown += answer.NotShown ?? 0;
    page.marker = answer.Truncated ? answer.NextMarker : undefined;
    if (!page.marker) break;
  }
  return page;
}

function bodyOf({ state, spec, origin, alias, tag }) {
  const [TagKey, TagValue] = tag ? splitTag(tag) : [];
  return Object.fromEntries(Object.entries({
    KeyState: state, KeySpec: spec, Origin: origin, AliasContains: alias?.replace(/^alias\//, ""), TagKey, TagValue,
  }).filter(([, value]) => value !== undefined && value !== ""));
}

function splitTag(text) {
  const at = text.indexOf("=");
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function Filters({ form }) {
  const any = ["", "any"];
  return html`<form class="filters" onSubmit=${goTo("keys")}>
    <${Select} label="State" name="state" value=${form.state ?? ""} options=${[any, ...states]} />
    <${Select} label="Key spec" name="spec" value=${form.spec ?? ""} options=${[any, ...Object.keys(usages)]} />
    <${Select} label="Origin" name="origin" value=${form.origin ?? ""} options=${[any, ...origins]} />
    <${Field} label="Alias contains" name="alias" defaultValue=${form.alias ?? ""} maxlength="256" />
    <${Field} label="Tag" name="tag" defaultValue=${form.tag ?? ""} placeholder="team=payroll" maxlength="385" />
    <div class="field"><${Button} type="submit" kind="primary">Filter<//> <a href="#/keys">Show all</a></div>
  </form>`;
}

function Found({ of, form }) {
  const filtered = Object.keys(form).length > 0;
  const next = of.marker && `#/keys?${new URLSearchParams({ ...form, after: of.marker })}`;
  const more = next && html`<p><a class="button" href=${next}>${of.keys.length < size ? "Search on" : "Next page"}</a></p>`;
  if (of.keys.length === 0) {
    return html`<${Empty} title=${filtered ? "No key fits." : "There are no keys in this Region."}>
      <p>${next ? "The server has examined a part of the keys." : html`<a href="#/create">Create a key</a>, or
        <a href="#/import">import key material</a>.`}</p><//>${more}`;
  }
  return html`<p role="status">${of.keys.length} ${of.keys.length === 1 ? "key" : "keys"} on this page.
      ${of.notShown > 0 && ` ${of.notShown} are left out, because you may not describe them (kms:DescribeKey).`}</p>
    <${Table} caption="Keys" rows=${of.keys} keyOf=${(k) => k.KeyMetadata.KeyId} columns=${columns} />${more}`;
}

const columns = [
  { head: "Key", cell: (k) => html`<a href=${link("keys", k.KeyMetadata.KeyId)}>${k.Aliases?.[0] ?? k.KeyMetadata.KeyId}</a>
    ${k.Aliases?.length > 0 && html`<div class="note mono">${k.KeyMetadata.KeyId}</div>`}
    ${k.Aliases?.length > 1 && html`<div class="note">${k.Aliases.slice(1).join(", ")}</div>`}` },
  { head: "State", cell: (k) => html`<${State} of=${k.KeyMetadata.KeyState} />` },
  { head: "Key spec", cell: (k) => k.KeyMetadata.KeySpec },
  { head: "Origin", cell: (k) => k.KeyMetadata.Origin },
  { head: "Description", cell: (k) => k.KeyMetadata.Description },
  { head: "Material expires", class: "time", cell: (k) => html`<${Time} at=${k.ValidTo} />` },
  { head: "Tags", cell: (k) => (k.Tags ?? []).map((t) => html`<div>${t.TagKey}=${t.TagValue}</div>`) },
];
