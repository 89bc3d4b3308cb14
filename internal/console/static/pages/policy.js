// The policy of a key.

import { html, useEffect, useState } from "../lib/dom.js";
import { Editor } from "../lib/editor.js";
import { goTo } from "../lib/forms.js";
import { Button, Empty, Failure, Field, Load, useLoad } from "../lib/parts.js";
import { errorOf, firstError } from "../lib/policydoc.js";

export default function PolicyPage({ api, route }) {
  const key = route.query.get("key") ?? "";
  return html`<h1>Key policy</h1>
    <${ChooseKey} key=${key} of=${key} />
    ${key ? html`<${Policy} key=${`of ${key}`} api=${api} id=${key} />`
      : html`<${Empty} title="No key is chosen."><p>Give the ID or alias of a key, or choose a key in
        the <a href="#/keys">list of keys</a>.</p><//>`}`;
}

function ChooseKey({ of }) {
  return html`<form class="filters" onSubmit=${goTo("policy")}>
    <${Field} label="Key" name="key" defaultValue=${of} required hint="a key ID, an alias as alias/NAME, or the ARN of either" />
    <div class="field"><${Button} type="submit">Show the policy<//></div>
  </form>`;
}

function Policy({ api, id }) {
  const loaded = useLoad(async (signal) => {
    const { KeyMetadata: key } = await api.call("DescribeKey", { KeyId: id }, { signal });
    return { key, text: (await api.call("GetKeyPolicy", { KeyId: key.KeyId }, { signal })).Policy };
  }, [id]);
  return html`<${Load} of=${loaded} what="the policy">${({ key, text }) =>
    html`<${Edit} api=${api} id=${key.KeyId} text=${text} />`}<//>`;
}

function Edit({ api, id, text: loaded }) {
  const [stored, setStored] = useState(loaded);
  const [text, setText] = useState(loaded);
  const [bypass, setBypass] = useState(false);
  const [result, setResult] = useState({});
  const changed = text !== stored;
  useWarning(changed);
  const save = async () => {
    setResult({ busy: true });
    try {
      await api.call("PutKeyPolicy", { KeyId: id, Policy: text, ...(bypass && { BypassPolicyLockoutSafetyCheck: true }) });
      setStored(text); // what is typed meanwhile stays
      setResult({ saved: true });
    } catch (error) {
      setResult({ error, text });
    }
  };
  const refused = result.error && result.text === text ? errorOf(result.error.message, text) : null;
  return html`<${Editor} id="policy" label="Policy document" text=${text} onText=${setText} refused=${refused} />
    <p><label><input type="checkbox" checked=${bypass} onChange=${(e) => setBypass(e.target.checked)} />
      ${" "}Save even if this policy does not let me change it again</label></p>
    ${result.error && html`<${Failure} error=${result.error} />`}
    <p role="status">${result.saved && !changed ? "The policy is saved." : changed && "There are changes that are not saved."}</p>
    <div class="actions">
      <${Button} kind="primary" busy=${result.busy} disabled=${!changed || firstError(text) !== null} onClick=${save}>
        Save the policy<//>
      <${Button} disabled=${!changed} onClick=${() => setText(stored)}>Undo all changes<//>
    </div>
    <p><a href=${`#/explain?${new URLSearchParams({ tab: "who", key: id })}`}>Who may use this key?</a></p>`;
}

/** useWarning lets the browser ask before the page is left with changes that are not saved. */
function useWarning(changed) {
  useEffect(() => {
    if (!changed) return undefined;
    const ask = (event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [changed]);
}
