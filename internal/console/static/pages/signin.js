// The page to sign in.

import { html, useEffect, useState } from "../lib/dom.js";
import { connect } from "../lib/api.js";
import { Button, Failure, Field } from "../lib/parts.js";
import { begin, longTerm } from "../lib/session.js";

const reasons = {
  expired: "The session has ended. Nothing of it is left in this browser. Sign in again to go on where you were.",
  "signed out": "You are signed out. Nothing of the session is left in this browser.",
};

/** @param {{settings: object, remedies: object[], now: () => Date, ended: string, onSession: (s) => void}} props */
export default function SignIn({ settings, remedies, now, ended, onSession }) {
  useEffect(() => {
    document.title = "Sign in · Keyhold";
  }, []);
  return html`<main class="centre" id="content">
    <h1>Sign in to Keyhold</h1>
    ${reasons[ended] && html`<p class="notice" role="status">${reasons[ended]}</p>`}
    <${WithAccessKey} settings=${settings} remedies=${remedies} now=${now} onSession=${onSession} />
  </main>`;
}

/** WithAccessKey exchanges an access key for a session of an hour, and forgets the access key. */
function WithAccessKey({ settings, remedies, now, onSession }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const form = event.target;
    const given = Object.fromEntries(["region", "id", "secret"].map((name) => [name, form.elements[name].value.trim()]));
    setBusy(true);
    try {
      const signer = { ...longTerm(given.id, given.secret), region: given.region };
      onSession(await exchange(connect({ signer, remedies, now }), { region: given.region, regions: settings.regions, now }));
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return html`<form onSubmit=${submit}>
    <h2>With an access key</h2>
    <p>The page exchanges the access key for a session of one hour and then forgets it. The keys of the session stay in
      the memory of this page: they are gone when you close or reload it.</p>
    <${RegionField} settings=${settings} />
    <${Field} label="Access key ID" name="id" required />
    <${Field} label="Secret access key" name="secret" type="password" required autocomplete="off" />
    ${error && html`<${Failure} error=${error} />`}
    <${Button} kind="primary" type="submit" busy=${busy}>Sign in<//>
  </form>`;
}

function RegionField({ settings }) {
  return settings.regions.length > 0
    ? html`<${Field} label="Region">${(a) => html`<select name="region" ...${a}>${settings.regions.map((r) =>
      html`<option value=${r} selected=${r === settings.region}>${r}</option>`)}</select>`}<//>`
    : html`<${Field} label="Region" name="region" value=${settings.region} required />`;
}

/** exchange returns a session for the caller of the API. */
async function exchange(api, { region, regions, now }) {
  const credentials = await api.sts("GetSessionToken", { DurationSeconds: "3600" });
  const who = await api.sts("GetCallerIdentity", {});
  return begin(credentials, { region, regions, now: now().getTime(), account: who.Account, arn: who.Arn });
}
