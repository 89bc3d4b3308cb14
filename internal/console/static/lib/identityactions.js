// What can be done with an identity: access keys, state, sessions, deletion.

import { html, useState } from "./dom.js";
import { Denied } from "./denied.js";
import { Badge, Button, Dialog, Empty, Field, Table, Time } from "./parts.js";

/** useAction returns what sends a request of an administrator, and what shows its failure. */
function useAction(api) {
  const [state, set] = useState({});
  const run = async (name, body, done) => {
    set({ busy: true });
    try {
      const answer = await api.call(`KeyholdAdmin.${name}`, body);
      set({});
      done(answer);
    } catch (error) {
      set({ error, name });
    }
  };
  const failure = state.error && html`<${Denied} error=${state.error} action=${`keyhold:${state.name}`} />`;
  return { run, busy: state.busy, failure };
}

/** Keys are the access keys of a user or of the root of an account. */
export function Keys({ of, api, session, again, onKeys }) {
  const { run, busy, failure } = useAction(api);
  const keys = of.AccessKeys ?? [];
  const rotate = () => run("RotateAccessKey",
    { AccountId: of.AccountId, ...(of.Kind === "user" && { Name: of.Name }) }, (answer) => {
      onKeys([answer.Made]);
      again();
    });
  const turn = (k) => run("SetIdentityState", { AccountId: of.AccountId, AccessKeyId: k.AccessKeyId, Enabled: !k.Active }, again);
  return html`<h2>Access keys</h2>
    ${keys.length === 0 ? html`<${Empty} title="There are no access keys." />`
      : html`<${Table} caption="Access keys" rows=${keys} keyOf=${(k) => k.AccessKeyId} columns=${[
        { head: "Access key ID", cell: (k) => html`<code>${k.AccessKeyId}</code>` },
        { head: "State", cell: (k) => (k.Active ? html`<${Badge} kind="good">active<//>` : html`<${Badge} kind="warn">inactive<//>`) },
        { head: "Created", cell: (k) => html`<${Time} at=${k.CreatedDate} />` },
        { head: "Last used", cell: (k) => (k.LastUsedDate
          ? html`<${Time} at=${k.LastUsedDate} /> ${k.Service} in ${k.Region}` : "never") },
        { head: "Change", cell: (k) => html`<${Button} busy=${busy} onClick=${() => turn(k)}
          aria-label=${`${k.Active ? "Disable" : "Enable"} ${k.AccessKeyId}`}>${k.Active ? "Disable" : "Enable"}<//>` },
      ]} />`}
    <p class="note">A user or root has at most two access keys. Another key replaces an inactive one if there are two.</p>
    ${failure}
    <div class="actions"><${Button} busy=${busy} onClick=${rotate}>Make another access key<//></div>`;
}

/** Switch enables or disables a user or role with its sessions. */
export function Switch({ of, which, api, again }) {
  const { run, busy, failure } = useAction(api);
  return html`${failure}<p>${of.Enabled ? "Disabling ends all access keys and sessions. Enabling undoes it."
      : "While it is disabled, its access keys and sessions do not work."}</p>
    <${Button} busy=${busy} kind=${of.Enabled ? "danger" : "primary"}
      onClick=${() => run("SetIdentityState", { ...which, Enabled: !of.Enabled }, again)}>
      ${of.Enabled ? "Disable" : "Enable"} ${which.Name}<//>`;
}

/** Revocation ends the sessions of a user or role. */
export function Revocation({ which, api, again }) {
  const { run, busy, failure } = useAction(api);
  return html`${failure}<p>Sessions that were issued until now can be ended. Access keys stay.</p>
    <${Button} busy=${busy} kind="danger" onClick=${() => run("RevokeSessions", which, again)}>
      End the sessions of ${which.Name}<//>`;
}

/** Deletion removes an identity after the user has typed its name. */
export function Deletion({ which, api }) {
  const { run, busy, failure } = useAction(api);
  const [open, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const remove = (event) => {
    event.preventDefault();
    run("DeleteIdentity", which, () => {
      location.hash = `#/identities?kind=${which.Kind}`;
    });
  };
  return html`<${Button} kind="danger" onClick=${() => setOpen(true)}>Delete ${which.Name} …<//>
    <${Dialog} title=${`Delete ${which.Name}`} open=${open} onClose=${() => setOpen(false)}>
      <form onSubmit=${remove}>
        <p>The identity is removed with its access keys, and its sessions end. Another identity of the same name is a
          different principal.</p>
        <${Field} label=${`Type ${which.Name} to confirm`} value=${typed} onInput=${(e) => setTyped(e.target.value)} />
        ${failure}
        <div class="actions">
          <${Button} kind="danger" type="submit" busy=${busy} disabled=${typed !== which.Name}>Delete<//>
          <${Button} onClick=${() => setOpen(false)}>Keep it<//>
        </div>
      </form>
    <//>`;
}
