// The aliases of a key. An alias can be moved to another key, which rotates a key by hand.

import { html, useState } from "./dom.js";
import { Button, Dialog, Empty, Facts, Failure, Field, Load, State, Table, Time, useAction, useLoad } from "./parts.js";

export default function Aliases({ of, api }) {
  const found = useLoad((signal) => api.all("ListAliases", { KeyId: of.KeyId }, "Aliases", { signal }), [of.KeyId]);
  const [moving, setMoving] = useState(null);
  const action = useAction();
  const remove = (alias) => action.run(() => api.call("DeleteAlias", { AliasName: alias })).then((ok) => ok && found.again());
  const columns = [
    { head: "Alias", cell: (a) => a.AliasName },
    { head: "Changed", cell: (a) => html`<${Time} at=${a.LastUpdatedDate} />` },
    { head: "", cell: (a) => html`<${Button} onClick=${() => setMoving(a.AliasName)}>Move to another key<//>
      ${" "}<${Button} kind="danger" busy=${action.busy} onClick=${() => remove(a.AliasName)}>Delete ${a.AliasName}<//>` },
  ];
  return html`<${Load} of=${found} what="the aliases">${(aliases) => aliases.length === 0
      ? html`<${Empty} title="The key has no alias." />`
      : html`<${Table} caption="Aliases" rows=${aliases} keyOf=${(a) => a.AliasName} columns=${columns} />`}<//>
    ${action.error && html`<${Failure} error=${action.error} />`}
    <${Create} of=${of} api=${api} again=${found.again} />
    <${Dialog} title=${`Move ${moving ?? "an alias"}`} open=${moving !== null} onClose=${() => setMoving(null)}>
      <${Move} alias=${moving} from=${of} api=${api} onMoved=${() => {
        setMoving(null);
        found.again();
      }} /><//>`;
}

function Create({ of, api, again }) {
  const action = useAction();
  const submit = (event) => {
    event.preventDefault();
    const form = event.target;
    const AliasName = form.elements.alias.value.trim();
    action.run(() => api.call("CreateAlias", { AliasName, TargetKeyId: of.KeyId })).then((ok) => {
      if (!ok) return;
      form.reset();
      again();
    });
  };
  return html`<h2>Give the key an alias</h2><form onSubmit=${submit}>
    <${Field} label="New alias" name="alias" required maxlength="256" placeholder="alias/payments" hint="It begins with alias/." />
    ${action.error && html`<${Failure} error=${action.error} />`}
    <${Button} type="submit" busy=${action.busy}>Create the alias<//></form>`;
}

/** Move shows what changes before it moves an alias. */
function Move({ alias, from, api, onMoved }) {
  const [to, setTo] = useState(null);
  const look = useAction();
  const move = useAction();
  const preview = (event) => {
    event.preventDefault();
    const KeyId = event.target.elements.target.value.trim();
    look.run(async () => setTo((await api.call("DescribeKey", { KeyId })).KeyMetadata));
  };
  const send = () => move.run(() => api.call("UpdateAlias", { AliasName: alias, TargetKeyId: to.KeyId })).then((ok) => ok && onMoved());
  return html`<form onSubmit=${preview}>
      <${Field} label="To the key" name="target" required hint="a key ID, or an alias as alias/NAME" onInput=${() => setTo(null)} />
      ${look.error && html`<${Failure} error=${look.error} />`}
      <${Button} type="submit" busy=${look.busy}>Show what changes<//>
    </form>
    ${to && html`<${Preview} alias=${alias} from=${from} to=${to} />
      ${move.error && html`<${Failure} error=${move.error} />`}
      <div class="actions"><${Button} kind="primary" busy=${move.busy} disabled=${to.KeyId === from.KeyId} onClick=${send}>
        Move the alias<//></div>`}`;
}

function Preview({ alias, from, to }) {
  const warnings = warningsOf(from, to);
  return html`<h3>What changes</h3>
    <${Facts} of=${[
      ["Now", html`${alias} → <code>${from.KeyId}</code> <${State} of=${from.KeyState} />`],
      ["Then", html`${alias} → <code>${to.KeyId}</code> <${State} of=${to.KeyState} />`],
    ]} />
    <ul>
      <li>From then on, requests that name ${alias} use the new key, as soon as all nodes have seen the change.</li>
      <li>${from.KeySpec === "SYMMETRIC_DEFAULT"
        ? "Existing ciphertexts name their key, so they are still decrypted with the old key, as long as it is enabled."
        : "Existing ciphertexts and signatures need the old key: clients must name the old key by its ID for them."}</li>
      <li>The policy, the grants and the tags of each key stay as they are: callers need permission for the new key.</li>
    </ul>
    ${warnings.map((text) => html`<p class="notice">${text}</p>`)}`;
}

function warningsOf(from, to) {
  return [
    to.KeyId === from.KeyId && "This is the key that has the alias now.",
    (to.KeyUsage !== from.KeyUsage || to.KeySpec !== from.KeySpec) &&
      `The keys differ: ${from.KeySpec} for ${from.KeyUsage}, and ${to.KeySpec} for ${to.KeyUsage}. The server may refuse.`,
    to.KeyState !== "Enabled" && `The new key is ${to.KeyState}: requests that name the alias will fail.`,
  ].filter(Boolean);
}
