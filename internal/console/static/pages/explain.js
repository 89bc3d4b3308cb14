// Who may do what, and why a request was refused.

import { html } from "../lib/dom.js";
import { Explanation } from "../lib/decision.js";
import { LoadFor } from "../lib/denied.js";
import { ActionField, Lines, goTo } from "../lib/forms.js";
import { Button, Field, Tabs, useLoad } from "../lib/parts.js";
import { pairsOf, questionOf } from "../lib/questions.js";
import { Who } from "../lib/whomay.js";

const tabs = [["may", "May this principal?", "#/explain?tab=may"], ["who", "Who may?", "#/explain?tab=who"],
  ["refused", "Why was this refused?", "#/explain?tab=refused"]];

export default function Explain({ api, route, session }) {
  const form = Object.fromEntries(route.query);
  const tab = tabs.some(([name]) => name === form.tab) ? form.tab : "may";
  return html`<h1>Decisions</h1>
    <${Tabs} label="Questions" of=${tabs} current=${tab} />
    ${tab === "may" && html`<${May} key=${route.query.toString()} api=${api} form=${form} />`}
    ${tab === "who" && html`<${Who} key=${route.query.toString()} api=${api} form=${form} session=${session} />`}
    ${tab === "refused" && html`<${Refused} key=${route.query.toString()} api=${api} form=${form} />`}`;
}

function May({ api, form }) {
  const wrong = (text) => {
    const line = pairsOf(text ?? "").wrong;
    return line ? `This line has no = after a name: ${line}` : undefined;
  };
  const errors = { context: wrong(form.context), members: wrong(form.members) };
  const asked = form.principal && form.action && !errors.context && !errors.members;
  return html`<form onSubmit=${goTo("explain")}>
      <input type="hidden" name="tab" value="may" />
      <${Field} label="Principal" name="principal" defaultValue=${form.principal ?? ""} required
        hint="the ARN of the root of an account, a user, a role, or a session of a role" />
      <${ActionField} value=${form.action} />
      <${Field} label="Key" name="key" defaultValue=${form.key ?? ""} hint="a key ID, an alias, or the ARN of either; empty for actions without a key" />
      <details open=${Boolean(form.context || form.members || form.address)}><summary>More about the request</summary>
        <${Lines} label="Encryption context" name="context" defaultValue=${form.context ?? ""} hint="one NAME=VALUE on each line" error=${errors.context} />
        <${Lines} label="Other members" name="members" defaultValue=${form.members ?? ""} error=${errors.members}
          hint="one NAME=VALUE on each line, such as SigningAlgorithm=ECDSA_SHA_256" />
        <${Field} label="Source address" name="address" defaultValue=${form.address ?? ""} />
      </details>
      <div class="actions"><${Button} kind="primary" type="submit">Explain<//></div>
    </form>
    ${asked && html`<${Answer} api=${api} body=${questionOf(form)} />`}`;
}

function Refused({ api, form }) {
  return html`<form onSubmit=${goTo("explain")}>
      <input type="hidden" name="tab" value="refused" />
      <${Field} label="Request ID" name="request" defaultValue=${form.request ?? ""} required
        hint="each error of the server has one; the server looks for it in the newest 128 MiB of its audit log" />
      <div class="actions"><${Button} kind="primary" type="submit">Explain<//></div>
    </form>
    ${form.request && html`<${Answer} api=${api} body=${{ RequestId: form.request.trim() }} />`}`;
}

function Answer({ api, body }) {
  const answer = useLoad((signal) => api.call("KeyholdAdmin.ExplainDecision", body, { signal }), []);
  return html`<${LoadFor} of=${answer} what="the explanation" action="keyhold:ExplainDecision">${(value) =>
    html`<${Explanation} of=${value} />`}<//>`;
}
