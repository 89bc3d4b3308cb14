// The users, roles, policies, OIDC providers and accounts of the deployment.

import { html, useState } from "../lib/dom.js";
import { Denied } from "../lib/denied.js";
import { kindOf, kinds } from "../lib/identities.js";
import { Badge, Button, Empty, Field, Loading, Table, Tabs, Time } from "../lib/parts.js";
import { link } from "../lib/route.js";
import { usePages } from "../lib/usepages.js";

export default function Identities({ api, route }) {
  const kind = kindOf(route.query.get("kind")) ?? kinds[0];
  return html`<h1>Identities</h1>
    <${Tabs} label="Kinds of identities" current=${kind.kind}
      of=${kinds.map((k) => [k.kind, k.title, `#/identities?kind=${k.kind}`])} />
    <p><a href=${link("identity", kind.kind, "new")}>Declare a new ${kind.one}</a></p>
    <${List} key=${kind.kind} api=${api} kind=${kind} />`;
}

function List({ api, kind }) {
  const [part, setPart] = useState("");
  const found = usePages(api, "KeyholdAdmin.ListIdentities", { Kind: kind.kind, Limit: 500 },
    { list: "Identities", enough: 5000 }, []);
  const shown = found.items.filter((i) => i.Arn.toLowerCase().includes(part.toLowerCase()));
  return html`
    ${found.error && html`<${Denied} error=${found.error} action="keyhold:ListIdentities" again=${found.again} />`}
    ${found.items.length > 0 && html`
      <${Field} label=${`Show only ${kind.title} whose ARN contains`} value=${part} onInput=${(e) => setPart(e.target.value)} />
      <p role="status">${shown.length} of ${found.items.length}${found.whole ? "" : " that were read so far"}.</p>
      <${Rows} kind=${kind} rows=${shown} />
      ${!found.whole && !found.reading && !found.error && html`<${Button} onClick=${found.more}>Read on<//>`}`}
    ${found.items.length === 0 && found.reading && html`<${Loading} what=${kind.title} />`}
    ${found.items.length === 0 && found.whole && html`<${Empty} title=${`There are no ${kind.title}.`}>
      ${kind.kind === "account" && html`<p>The deployment's own account is listed once it has an identity.</p>`}<//>`}`;
}

const mostRows = 200;

function Rows({ kind, rows }) {
  const [most, setMost] = useState(mostRows);
  const withKeys = kind.kind === "user" || kind.kind === "account";
  const columns = [
    { head: "Name", cell: (i) => html`<a href=${link("identity", i.Kind, i.AccountId, i.Name)}>${i.Name}</a>` },
    { head: "Account", cell: (i) => i.AccountId },
    { head: "State", cell: (i) => !i.Enabled && html`<${Badge} kind="warn">disabled<//>` },
    withKeys && { head: "Access keys", cell: (i) => i.AccessKeys?.map((k) => html`<div><${AccessKey} of=${k} /></div>`) },
    { head: "Created", cell: (i) => html`<${Time} at=${i.CreatedDate} />` },
  ].filter(Boolean);
  return html`<${Table} caption=${kind.title} rows=${rows.slice(0, most)} keyOf=${(i) => i.Arn} columns=${columns} />
    ${rows.length > most && html`<${Button} onClick=${() => setMost(most + mostRows)}>Show ${mostRows} more<//>`}`;
}

function AccessKey({ of }) {
  return html`<code>${of.AccessKeyId}</code>${!of.Active && html` <${Badge} kind="warn">inactive<//>`}
    ${" "}<span class="note">${of.LastUsedDate ? html`last used <${Time} at=${of.LastUsedDate} />` : "never used"}</span>`;
}
