// The end of an import: what was proved, and what comes next.

import { html, useState } from "../lib/dom.js";
import { Button, Facts, Failure, Id, Time } from "../lib/parts.js";
import { link } from "../lib/route.js";
import { proveWith } from "./import_send.js";
import Steps from "./import_steps.js";

/** @param {{done: object, target: object, held: import("../material/held.js").Held|null, api: object}} props */
export default function Done({ done: imported, target, held, api }) {
  const [done, setDone] = useState(imported);
  const [state, setState] = useState({});
  const { KeyId } = target.metadata;
  const rotate = async () => {
    setState({ busy: true });
    try {
      await api.call("RotateKeyOnDemand", { KeyId: done.arn });
      const rotated = { ...done, waits: "", rotatable: false, rotated: true };
      setDone({ ...rotated, ...(await proveWith(api, rotated, held)) });
      setState({});
    } catch (error) {
      setState({ error });
    }
  };
  const title = done.failure ? "The import was accepted, but not proved" : "Imported and proved";
  return html`<${Steps} current=${5} title=${title} />
    ${done.failure && html`<${Failure} error=${done.failure} />`}
    <div role="status"><ul>${done.held.map((proof) => html`<li>${proof}</li>`)}</ul></div>
    ${done.notTried && html`<p class="note">${done.notTried}</p>`}
    <${Facts} of=${[
      ["Key material ID of this page", html`<${Id} of=${done.id} label="Copy the key material ID of this page" />`],
      ["Key material ID of the server", html`<${Id} of=${done.serversId} label="Copy the key material ID of the server" />`],
      ["Expires", done.expiry ? html`<${Time} at=${done.expiry} />` : "never"],
      ["Rotated", done.rotated && "yes: this is the current key material now"],
    ]} />
    ${state.error && html`<${Failure} error=${state.error} />`}
    <div class="actions">
      ${done.rotatable && html`<${Button} kind="primary" busy=${state.busy} onClick=${rotate}>
        Rotate the key on demand<//>`}
      <a class="button" href=${link("keys", KeyId)}>Show the key</a>
      <a class="button" href=${link("keys", KeyId, "material")}>Show its key material</a>
      <a class="button" href="#/import">Import into another key</a>
    </div>`;
}
