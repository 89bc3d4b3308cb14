// The rotation of a symmetric key: automatic with a period, and on demand.

import { html } from "./dom.js";
import { Button, Facts, Failure, Field, Load, Time, useAction, useLoad } from "./parts.js";

const [least, usual, most] = [90, 365, 2560]; // days of EnableKeyRotation

const useStatus = (of, api) =>
  useLoad((signal) => api.call("GetKeyRotationStatus", { KeyId: of.Arn }, { signal }), [of.Arn]);

/** NextRotation shows in one line whether and when a key is rotated. */
export function NextRotation({ of, api }) {
  const { value, error } = useStatus(of, api);
  if (error) return html`<span class="note">not shown: ${error.name}</span>`;
  if (!value) return "…";
  return value.KeyRotationEnabled ? html`on, next <${Time} at=${value.NextRotationDate} />` : "off";
}

/**
 * Rotation shows and changes the rotation of a key.
 * @param {{of: object, api: object, waits: boolean, again: () => void}} props waits says that new imported key material
 *   waits for a rotation; again is called after a rotation
 */
export function Rotation({ of, api, waits, again }) {
  const external = of.Origin === "EXTERNAL";
  return html`<h2>Rotation</h2>
    ${external ? html`<p class="note">Keys with imported key material have no automatic rotation. ${!waits &&
      "To rotate the key on demand, import new key material first."}</p>` : html`<${Automatic} of=${of} api=${api} />`}
    ${(!external || waits) && html`<${OnDemand} of=${of} api=${api} again=${again} />`}`;
}

function Automatic({ of, api }) {
  const status = useStatus(of, api);
  return html`<${Load} of=${status} what="the rotation">${(now) =>
    html`<${Change} key=${now.RotationPeriodInDays} of=${of} api=${api} now=${now} again=${status.again} />`}<//>`;
}

function Change({ of, api, now, again }) {
  const action = useAction();
  const on = now.KeyRotationEnabled;
  const send = (operation, more) =>
    action.run(() => api.call(operation, { KeyId: of.Arn, ...more })).then((done) => done && again());
  const submit = (event) => {
    event.preventDefault();
    send("EnableKeyRotation", { RotationPeriodInDays: Number(event.target.elements.days.value) });
  };
  return html`<${Facts} of=${[
    ["Automatic rotation", on ? `on, every ${now.RotationPeriodInDays} days` : "off"],
    ["Next rotation", html`<${Time} at=${now.NextRotationDate} />${!on && "none"}`],
  ]} />
  <form onSubmit=${submit}>
    <${Field} label="Rotation period in days" name="days" type="number" min=${least} max=${most} required
      defaultValue=${now.RotationPeriodInDays ?? usual} hint=${`from ${least} to ${most}`} />
    ${action.error && html`<${Failure} error=${action.error} />`}
    <div class="actions">
      <${Button} type="submit" busy=${action.busy}>${on ? "Save the period" : "Turn on automatic rotation"}<//>
      ${on && html`<${Button} busy=${action.busy} onClick=${() => send("DisableKeyRotation")}>
        Turn off automatic rotation<//>`}
    </div>
  </form>`;
}

function OnDemand({ of, api, again }) {
  const action = useAction();
  const rotate = () => action.run(() => api.call("RotateKeyOnDemand", { KeyId: of.Arn })).then((done) => done && again());
  return html`<div class="actions">
      <${Button} kind="primary" busy=${action.busy} onClick=${rotate}>Rotate the key on demand<//></div>
    ${action.error && html`<${Failure} error=${action.error} />`}`;
}
