// The policies that belong to a single user or role.

import { html, useState } from "./dom.js";
import { Denied } from "./denied.js";
import { Editor } from "./editor.js";
import { kindOf, withDocument } from "./identities.js";
import { Button, Empty, Field } from "./parts.js";
import { errorOf, firstError } from "./policydoc.js";

/** @param {{api: object, kind: string, body: object, again: () => void}} props body is the declaration as it is now */
export function Inline({ api, kind, body, again }) {
  const [added, setAdded] = useState([]);
  const [name, setName] = useState("");
  const all = [...(body.Policies ?? []), ...added];
  const add = (event) => {
    event.preventDefault();
    setAdded([...added, { Name: name.trim(), Document: "" }]);
    setName("");
  };
  return html`
    ${all.length === 0 && html`<${Empty} title=${`This ${kind} has no policies of its own.`} />`}
    ${all.map((p) => html`<${One} key=${p.Name} api=${api} kind=${kind} body=${body} of=${p} again=${again} />`)}
    <form class="filters" onSubmit=${add}>
      <${Field} label="Name of a new policy" value=${name} onInput=${(e) => setName(e.target.value)} />
      <div class="field"><${Button} type="submit" disabled=${!name.trim() || all.some((p) => p.Name === name.trim())}>Add<//></div>
    </form>`;
}

function One({ api, kind, body, of, again }) {
  const [text, setText] = useState(of.Document);
  const [state, set] = useState({});
  const action = kindOf(kind).put;
  const save = async (document) => {
    set({ busy: true });
    try {
      await api.call(`KeyholdAdmin.${action}`, withDocument(body, { member: "Policies", name: of.Name }, document));
      again();
    } catch (error) {
      set({ error, text });
    }
  };
  const refused = state.error && state.text === text ? errorOf(state.error.message, text) : null;
  return html`<${Editor} id=${`policy-${of.Name}`} label=${`Policy ${of.Name}`} text=${text} onText=${setText} refused=${refused} />
    ${state.error && html`<${Denied} error=${state.error} action=${`keyhold:${action}`} />`}
    <div class="actions">
      <${Button} busy=${state.busy} disabled=${text === of.Document || firstError(text) !== null} onClick=${() => save(text)}>
        Save ${of.Name}<//>
      <${Button} kind="danger" busy=${state.busy} onClick=${() => save(null)}>Remove ${of.Name}<//>
    </div>`;
}
