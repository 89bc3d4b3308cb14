// The keys of the account in the Region.

import { html } from "../lib/dom.js";
import { Empty, Load, State, Table, useLoad } from "../lib/parts.js";
import { link } from "../lib/route.js";

export default function Keys({ api }) {
  const keys = useLoad((signal) => api.call("KeyholdAdmin.ListKeySummaries", { Limit: 100 }, { signal }), []);
  return html`<h1>Keys</h1>
    <${Load} of=${keys} what="the keys">${(page) => page.Keys.length === 0
      ? html`<${Empty} title="There are no keys in this Region." />`
      : html`<${Table} caption="Keys" rows=${page.Keys} keyOf=${(k) => k.KeyMetadata.KeyId} columns=${columns} />`}<//>`;
}

const columns = [
  { head: "Key", cell: (k) => html`<a href=${link("keys", k.KeyMetadata.KeyId)}>${k.KeyMetadata.KeyId}</a>` },
  { head: "State", cell: (k) => html`<${State} of=${k.KeyMetadata.KeyState} />` },
];
