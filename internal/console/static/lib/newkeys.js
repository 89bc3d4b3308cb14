// Shows the secrets of new access keys, once.

import { html, useState } from "./dom.js";
import { Button, Copy, Dialog, Facts } from "./parts.js";

/**
 * NewKeys shows access keys with their secrets in a window. The window closes when the user says that the secrets are
 * saved: the server never shows them again.
 * @param {{keys: {AccessKeyId: string, SecretAccessKey: string}[], onClose: () => void}} props
 */
export function NewKeys({ keys, onClose }) {
  const [saved, setSaved] = useState(false);
  const close = () => {
    setSaved(false);
    onClose();
  };
  return html`<${Dialog} title="New access key" open=${keys.length > 0} onClose=${close}>
    <p>Save the secret now. The server does not show it again.</p>
    ${keys.map((k) => html`<${Facts} of=${[
      ["Access key ID", html`<code>${k.AccessKeyId}</code> <${Copy} text=${k.AccessKeyId} label="Copy the access key ID" />`],
      ["Secret access key", html`<code>${k.SecretAccessKey}</code>
        ${" "}<${Copy} text=${k.SecretAccessKey} label="Copy the secret access key" />`],
    ]} />`)}
    <p><label><input type="checkbox" checked=${saved} onChange=${(e) => setSaved(e.target.checked)} />
      ${" "}I have saved the secret</label></p>
    <${Button} kind="primary" disabled=${!saved} onClick=${close}>Close<//>
  <//>`;
}
