// The grants on a key.

import { html } from "./dom.js";
import { Button, Empty, Failure, Load, Table, Time, useAction, useLoad } from "./parts.js";

const most = 1000;

export default function Grants({ of, api }) {
  const found = useLoad((signal) => api.all("ListGrants", { KeyId: of.KeyId, Limit: 100 }, "Grants", { signal, most }), [of.KeyId]);
  const action = useAction();
  const revoke = (GrantId) => action.run(() => api.call("RevokeGrant", { KeyId: of.KeyId, GrantId })).then((ok) => ok && found.again());
  const columns = [
    { head: "Grantee", cell: (g) => html`<code>${g.GranteePrincipal ?? g.GranteeServicePrincipal}</code>
      ${g.Name && html`<div class="note">${g.Name}</div>`}` },
    { head: "Operations", cell: (g) => (g.Operations ?? []).join(", ") },
    { head: "Constraints", cell: (g) => g.Constraints && html`<code>${JSON.stringify(g.Constraints)}</code>` },
    { head: "Created", cell: (g) => html`<${Time} at=${g.CreationDate} />` },
    { head: "", cell: (g) => html`<${Button} kind="danger" busy=${action.busy} onClick=${() => revoke(g.GrantId)}
      aria-label=${`Revoke the grant ${g.GrantId}`}>Revoke<//>` },
  ];
  return html`${action.error && html`<${Failure} error=${action.error} />`}
    <${Load} of=${found} what="the grants">${(grants) => grants.length === 0
      ? html`<${Empty} title="There are no grants on this key." />`
      : html`<${Table} caption="Grants" rows=${grants} keyOf=${(g) => g.GrantId} columns=${columns} />
        ${grants.length >= most && html`<p class="note">These are the first ${grants.length} grants.</p>`}`}<//>`;
}
