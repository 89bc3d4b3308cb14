// One identity: what it is, its access keys, its policies, and what can be done with it.

import { html, useState } from "../lib/dom.js";
import { Deletion, Keys, Revocation, Switch } from "../lib/identityactions.js";
import { LoadFor } from "../lib/denied.js";
import { declarationOf, kindOf } from "../lib/identities.js";
import { IdentityForm } from "../lib/identityform.js";
import { Inline } from "../lib/inlinepolicies.js";
import { NewKeys } from "../lib/newkeys.js";
import { Badge, Copy, Facts, Time, useLoad } from "../lib/parts.js";

export default function Identity({ api, route, session }) {
  const { kind, account, name } = route.params;
  const which = { Kind: kind, AccountId: account, Name: name };
  const shown = useLoad((signal) => api.call("KeyholdAdmin.ShowIdentity", which, { signal }), [kind, account, name]);
  const [keys, setKeys] = useState([]);
  const known = kindOf(kind);
  if (!known) return html`<h1>There is no such kind of identity</h1>`;
  return html`<h1>${known.one} ${name}</h1>
    <p><a href=${`#/identities?kind=${kind}`}>Back to the list</a></p>
    <${NewKeys} keys=${keys} onClose=${() => setKeys([])} />
    <${LoadFor} of=${shown} what="the identity" action="keyhold:ShowIdentity">${(identity) =>
      html`<${Shown} of=${identity} which=${which} api=${api} session=${session} again=${shown.again} onKeys=${setKeys} />`}<//>`;
}

function Shown({ of, which, api, session, again, onKeys }) {
  const body = declarationOf(of);
  const done = (answer) => {
    onKeys(answer?.NewAccessKeys ?? []);
    again();
  };
  const isEntity = of.Kind === "user" || of.Kind === "role";
  return html`<${Facts} of=${[
      ["ARN", html`<code>${of.Arn}</code> <${Copy} text=${of.Arn} label="Copy the ARN" />`],
      ["State", isEntity && (of.Enabled ? html`<${Badge} kind="good">enabled<//>` : html`<${Badge} kind="warn">disabled<//>`)],
      ["Unique ID", of.UniqueId], ["Created", html`<${Time} at=${of.CreatedDate} />`],
      ["Sessions before this time have ended", of.SessionsFrom && html`<${Time} at=${of.SessionsFrom} />`],
    ]} />
    ${(of.Kind === "user" || of.Kind === "account") && html`<${Keys} of=${of} api=${api} session=${session} again=${again}
      onKeys=${onKeys} />`}
    ${isEntity && html`<h2>Policies of this ${of.Kind} alone</h2>
      <${Inline} key=${JSON.stringify(of.Policies)} api=${api} kind=${of.Kind} body=${body} again=${again} />`}
    <h2>Declaration</h2>
    <${IdentityForm} key=${JSON.stringify(body)} api=${api} kind=${of.Kind} body=${body} made=${true} onDone=${done} />
    ${isEntity && html`<h2>State and sessions</h2><${Switch} of=${of} which=${which} api=${api} again=${again} />
      <${Revocation} which=${which} api=${api} again=${again} />`}
    ${of.Kind !== "account" && html`<h2>Deletion</h2><${Deletion} which=${which} api=${api} />`}`;
}
