// The choice of an expiry.

import { html, useState } from "../lib/dom.js";
import { Button, Field, Time } from "../lib/parts.js";
import { inDays, localText, maxValidity, problemOf, readLocal } from "../material/expiry.js";

/**
 * Expiry lets the user choose when the key material expires. There is no default: the user decides.
 * @param {{now: number, value: number|null|undefined, onValue: (at: number|null|undefined) => void}} props times are in
 *   seconds since 1970; null is no expiry
 */
export default function Expiry({ now, value, onValue }) {
  const [kind, setKind] = useState("");
  const choose = (chosen) => {
    setKind(chosen);
    onValue(chosen === "never" ? null : undefined);
  };
  const option = (
    name,
    text,
  ) => html`<p><label><input type="radio" name="expiry" value=${name} checked=${kind === name}
    onChange=${() => choose(name)} /> ${text}</label></p>`;
  return html`<fieldset><legend>Does the key material expire?</legend>
    ${option("expires", "It expires: the server deletes it then. The same key material can be imported again.")}
    ${kind === "expires" && html`<${Calendar} now=${now} value=${value} onValue=${onValue} />`}
    ${option("never", "It does not expire: the server keeps it until you delete it.")}
  </fieldset>`;
}

function Calendar({ now, value, onValue }) {
  const problem = value !== undefined && problemOf(value, now);
  return html`<${Field} label="Expires at" type="datetime-local" value=${value ? localText(value) : ""}
      min=${localText(now)} max=${localText(now + maxValidity)} error=${problem || undefined}
      hint=${value ? html`<${Time} at=${value} />` : "In the time zone of this browser, at most 365 days from now."}
      onInput=${(e) => onValue(readLocal(e.target.value))} />
    <div class="actions">${[30, 90, 180, 365].map(
      (days) => html`
      <${Button} onClick=${() => onValue(minute(inDays(now, days)))}>${days} days<//>`,
    )}</div>`;
}

/** minute returns the beginning of the minute, which the field can show. */
const minute = (at) => Math.floor(at / 60) * 60;
