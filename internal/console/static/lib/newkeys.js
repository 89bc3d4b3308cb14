// Shows the secrets of new access keys, once.

import { html, useEffect, useRef, useState } from "./dom.js";
import { Button, Copy, Facts } from "./parts.js";

/**
 * NewKeys shows access keys with their secrets until the user says that the secrets are saved: the server never shows
 * them again.
 * @param {{keys: {AccessKeyId: string, SecretAccessKey: string}[], onClose: () => void}} props
 */
export function NewKeys({ keys, onClose }) {
  return keys.length > 0 && html`<${Shown} key=${keys[0].AccessKeyId} keys=${keys} onClose=${onClose} />`;
}

function Shown({ keys, onClose }) {
  const [saved, setSaved] = useState(false);
  const heading = useRef(null);
  useEffect(() => {
    heading.current.focus();
    const ask = (event) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, []);
  return html`<section class="notice" aria-label="New access key">
    <h2 ref=${heading} tabindex="-1">New access key</h2>
    <p>Save the secret now. The server does not show it again.</p>
    ${keys.map((k) => html`<${Facts} of=${[
      ["Access key ID", html`<code>${k.AccessKeyId}</code> <${Copy} text=${k.AccessKeyId} label="Copy the access key ID" />`],
      ["Secret access key", html`<code class="secret">${k.SecretAccessKey}</code>
        ${" "}<${Copy} text=${k.SecretAccessKey} label="Copy the secret access key" />`],
    ]} />`)}
    <p><label><input type="checkbox" checked=${saved} onChange=${(e) => setSaved(e.target.checked)} />
      ${" "}I have saved the secret</label></p>
    <${Button} kind="primary" disabled=${!saved} onClick=${onClose}>Remove it from this page<//>
  </section>`;
}
