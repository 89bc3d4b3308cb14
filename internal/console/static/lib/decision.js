// Shows how the server decides, and why.

import { html } from "./dom.js";
import { Badge, Facts, Table, Time } from "./parts.js";

const outcomes = {
  allowed: ["good", "allowed"], explicitDeny: ["bad", "denied by a statement"],
  implicitDeny: ["bad", "not allowed by any statement or grant"], notFound: ["warn", "not found"],
  otherAccount: ["warn", "allowed here; the other account must allow it too"],
};

/** @param {{of: string}} props of is the Outcome of a decision */
export function Outcome({ of }) {
  const [kind, text] = outcomes[of] ?? ["", of];
  return html`<${Badge} kind=${kind}>${text}<//>`;
}

/** @param {{of: object}} props of is the answer of ExplainDecision */
export function Explanation({ of }) {
  return html`<section aria-label="Explanation">
    ${of.Request && html`<${Past} of=${of.Request} operation=${of.Operation} />`}
    ${of.Decisions.map((d) => html`<${Decision} of=${d} principal=${of.PrincipalArn} />`)}
    ${of.Notes.length > 0 && html`<h3>Notes</h3><ul>${of.Notes.map((n) => html`<li>${n}</li>`)}</ul>`}
  </section>`;
}

function Past({ of, operation }) {
  return html`<h2>What happened</h2><${Facts} of=${[
    ["Operation", operation], ["Time", html`<${Time} at=${of.EventTime} />`], ["Address", of.SourceIp],
    ["Result", of.ErrorCode ? `${of.ErrorCode}: ${of.ErrorMessage ?? ""}` : "It was carried out."],
  ]} /><p class="note">The decision below uses the policies, grants and tags of now.</p>`;
}

function Decision({ of, principal }) {
  return html`<h2>${of.Action} on ${of.Resource || "the account"}</h2>
    <${Facts} of=${[
      ["Principal", principal], ["Decision", html`<${Outcome} of=${of.Outcome} />`], ["Reason", of.Reason],
      ["Decided by", decider(of)], ["Answer", of.ErrorCode && `${of.ErrorCode}: ${of.ErrorMessage ?? ""}`],
    ]} />
    ${of.Documents.map((d) => html`<${Document} of=${d} />`)}
    ${of.GrantsRead > 0 && html`<${Grants} of=${of} />`}`;
}

function decider({ By: by, Outcome }) {
  if (!by) return Outcome === "allowed" && "no policy: the root of an account may do this without one";
  if (by.GrantId) return `the grant ${by.GrantId}`;
  if (!by.Line) return by.Document;
  return `${by.Sid ? `the statement ${by.Sid}` : "the statement"} at line ${by.Line}, column ${by.Column} of ${by.Document}`;
}

function Document({ of }) {
  return html`<h3>${of.Name} (${of.Role})</h3>
    ${of.Withheld ? html`<p>Only its own account may see the content.</p>`
      : html`<${Table} caption=${`Statements of ${of.Name}`} rows=${of.Statements} keyOf=${(s) => `${s.Line}:${s.Column}`}
        columns=${columns} />`}`;
}

const columns = [
  { head: "Place", cell: (s) => `${s.Line}:${s.Column}` }, { head: "Effect", cell: (s) => s.Effect },
  { head: "Sid", cell: (s) => s.Sid },
  { head: "Result", cell: (s) => (s.Matched ? html`<${Badge} kind=${s.Effect === "Deny" ? "bad" : "good"}>matches<//>`
    : `does not match: ${s.Missed}`) },
  { head: "Conditions", cell: (s) => s.Conditions.length > 0 && html`<ul>${s.Conditions.map((c) =>
    html`<li><${Condition} of=${c} /></li>`)}</ul>` },
];

function Condition({ of }) {
  const quoted = (all) => (all.length === 0 ? "nothing" : all.map((v) => JSON.stringify(v)).join(", "));
  const holds = of.Problem ? `unclear, so the statement may deny but not allow: ${of.Problem}`
    : of.Held ? "holds" : "does not hold";
  return html`${of.Operator} ${of.Key}: wants ${quoted(of.Wanted)}, saw ${quoted(of.Seen)}; ${holds}`;
}

function Grants({ of }) {
  return html`<h3>Grants</h3><p>${of.GrantsRead} grants may be for the principal.</p>
    <ul>${of.Grants.map((g) => html`<li><code>${g.GrantId}</code>: ${g.Allowed ? "allows"
      : `does not match: ${g.Missed}`}</li>`)}</ul>`;
}
