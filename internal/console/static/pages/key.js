// One key.

import { html } from "../lib/dom.js";
import Aliases from "../lib/keyaliases.js";
import Details from "../lib/keydetails.js";
import Grants from "../lib/keygrants.js";
import Tags from "../lib/keytags.js";
import Use from "../lib/keyuse.js";
import { Load, State, Tabs, useLoad } from "../lib/parts.js";
import { link } from "../lib/route.js";

const parts = { details: Details, aliases: Aliases, tags: Tags, grants: Grants, use: Use };

export default function KeyPage({ api, route, session }) {
  const { id } = route.params;
  const found = useLoad(async (signal) => (await api.call("DescribeKey", { KeyId: id }, { signal })).KeyMetadata, [id]);
  return html`<h1>Key <code>${found.value?.KeyId ?? id}</code></h1><${Load} of=${found} what="the key">${(key) =>
    html`<${Shown} of=${key} api=${api} session=${session} query=${route.query} again=${found.again} />`}<//>`;
}

function Shown({ of, api, session, query, again }) {
  const here = link("keys", of.KeyId);
  const current = query.get("tab") in parts ? query.get("tab") : "details";
  const Part = parts[current];
  return html`<p><${State} of=${of.KeyState} /> ${of.Description}</p>
    <${Tabs} label="Parts of the key" current=${current} of=${[
      ["details", "Details", here], ["material", "Key material", here + "/material"], ["aliases", "Aliases", here + "?tab=aliases"],
      ["tags", "Tags", here + "?tab=tags"], ["grants", "Grants", here + "?tab=grants"],
      ["policy", "Policy", `#/policy?${new URLSearchParams({ key: of.KeyId })}`], ["use", "Use it", here + "?tab=use"],
    ]} />
    <${Part} key=${current} of=${of} api=${api} session=${session} again=${again} />`;
}
