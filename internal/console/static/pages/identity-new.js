// Declares a new identity.

import { html, useState } from "../lib/dom.js";
import { kindOf } from "../lib/identities.js";
import { IdentityForm } from "../lib/identityform.js";
import { NewKeys } from "../lib/newkeys.js";
import { link } from "../lib/route.js";

const everything = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "kms:DescribeKey", Resource: "*" }] };

const trust = (account) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: account }, Action: "sts:AssumeRole" }],
});

/** drafts returns the declaration that the form begins with. */
const drafts = (account) => ({
  user: { AccessKeys: 1 }, role: { Trust: JSON.stringify(trust(account), null, 2) },
  policy: { Document: JSON.stringify(everything, null, 2) }, "oidc-provider": { ClientIds: ["sts.amazonaws.com"] },
  account: { AccessKeys: 1 },
});

export default function NewIdentity({ api, route, session }) {
  const [answer, setAnswer] = useState(null);
  const kind = kindOf(route.params.kind);
  if (!kind) return html`<h1>There is no such kind of identity</h1>`;
  return html`<h1>New ${kind.one}</h1>
    <p><a href=${`#/identities?kind=${kind.kind}`}>Back to the list</a></p>
    ${answer ? html`<${Done} of=${answer} kind=${kind} />`
      : html`<${IdentityForm} api=${api} kind=${kind.kind} body=${drafts(session.account)[kind.kind]} made=${false}
        onDone=${setAnswer} />`}`;
}

function Done({ of, kind }) {
  const [keys, setKeys] = useState(of.NewAccessKeys ?? []);
  const [, , , , account] = of.Arn.split(":");
  const name = kind.kind === "account" ? account
    : kind.kind === "oidc-provider" ? of.Arn.split("/").slice(1).join("/") : of.Arn.split("/").pop();
  return html`<${NewKeys} keys=${keys} onClose=${() => setKeys([])} />
    <p role="status"><code>${of.Arn}</code>: ${{ created: "created", changed: "there was one already; it is changed",
      none: "there was the same one already" }[of.Change]}.</p>
    <p><a href=${link("identity", kind.kind, account, name)}>Show it</a></p>`;
}
