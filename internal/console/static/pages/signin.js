// The page to sign in.

import { html, useEffect, useState } from "../lib/dom.js";
import { connect } from "../lib/api.js";
import { Button, Failure, Field, Loading, Select, useAction } from "../lib/parts.js";
import { arrive, leave, returned, sessionName } from "../lib/oidc.js";
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
    ${settings.issuers.length > 0 && html`<${WithIssuer} settings=${settings} remedies=${remedies} now=${now} onSession=${onSession} />`}
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

/** WithIssuer sends the user to an issuer, and takes the token that the user returns with. */
function WithIssuer({ settings, remedies, now, onSession }) {
  const action = useAction();
  useEffect(() => {
    if (returned()) action.run(async () => onSession(await withToken(settings, remedies, now)));
  }, []);
  const submit = (event) => {
    event.preventDefault();
    const { issuer, role, region } = event.target.elements;
    action.run(() => leave(settings.issuers[Number(issuer.value)], { role: role.value.trim(), region: region.value }));
  };
  if (action.busy && returned()) return html`<${Loading} what="the session" />`;
  return html`<form onSubmit=${submit}>
    <h2>With your organisation</h2>
    <${Select} label="Issuer" name="issuer" options=${settings.issuers.map((i, n) => [String(n), i.url])} />
    <${Field} label="ARN of your role" name="role" required placeholder="arn:aws:iam::111122223333:role/NAME" />
    <${RegionField} settings=${settings} />
    ${action.error && html`<${Failure} error=${action.error} />`}
    <${Button} kind="primary" type="submit" busy=${action.busy}>Go to the issuer<//>
  </form>`;
}

/** withToken returns a session of the role that the user chose, with the token of the issuer. */
async function withToken(settings, remedies, now) {
  const { token, claims, role, region } = await arrive(settings.issuers);
  const api = connect({ signer: { region }, remedies, now });
  const answer = await api.sts("AssumeRoleWithWebIdentity",
    { RoleArn: role, RoleSessionName: sessionName(claims), WebIdentityToken: token, DurationSeconds: "3600" }, { unsigned: true });
  return begin(answer, {
    region, regions: settings.regions, now: now().getTime(), account: answer.Arn.split(":")[4], arn: answer.Arn,
  });
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
