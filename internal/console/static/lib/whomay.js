// Asks the server for many principals whether they may do something.

import { html, useEffect, useState } from "./dom.js";
import { Explanation, Outcome } from "./decision.js";
import { Denied } from "./denied.js";
import { ActionField, Lines, goTo } from "./forms.js";
import { Button, Dialog, Field, Table } from "./parts.js";
import { mostPrincipals, principalsOf, questionOf } from "./questions.js";

/** @param {{api: object, form: Record<string, string>, session: {account: string}}} props */
export function Who({ api, form, session }) {
  const [principals, setPrincipals] = useState(form.principals ?? "");
  const asked = form.action && form.principals;
  return html`<form onSubmit=${goTo("explain")}>
      <input type="hidden" name="tab" value="who" />
      <${ActionField} value=${form.action} />
      <${Field} label="Key" name="key" defaultValue=${form.key ?? ""} hint="a key ID, an alias, or the ARN of either; empty for actions without a key" />
      <${Lines} label="Principals" name="principals" rows=${6} value=${principals} required
        onInput=${(e) => setPrincipals(e.target.value)} hint=${`one ARN on each line, at most ${mostPrincipals}`} />
      <${AllPrincipals} api=${api} account=${session.account} onFound=${(arns) => setPrincipals(arns.join("\n"))} />
      <div class="actions"><${Button} kind="primary" type="submit">Ask<//></div>
    </form>
    ${asked && html`<${Answers} api=${api} form=${form} principals=${principalsOf(form.principals)} />`}`;
}

/** AllPrincipals fills in the root, the users and the roles of an account. */
function AllPrincipals({ api, account, onFound }) {
  const [state, set] = useState({});
  const find = async () => {
    set({ busy: true });
    try {
      const found = [`arn:aws:iam::${account}:root`];
      for (const Kind of ["user", "role"]) {
        const some = await api.all("KeyholdAdmin.ListIdentities", { Kind, AccountId: account }, "Identities",
          { most: mostPrincipals });
        found.push(...some.map((i) => i.Arn));
      }
      onFound(found.slice(0, mostPrincipals));
      set({ cut: found.length > mostPrincipals });
    } catch (error) {
      set({ error });
    }
  };
  return html`<${Button} onClick=${find} busy=${state.busy}>Fill in the users and roles of my account<//>
    ${state.cut && html`<p role="status">The account has more than ${mostPrincipals} principals: these are the first.</p>`}
    ${state.error && html`<${Denied} error=${state.error} action="keyhold:ListIdentities" />`}`;
}

function Answers({ api, form, principals }) {
  const [answers, set] = useState([]);
  const [shown, show] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    askEach(api, form, principals, stop.signal, set);
    return () => stop.abort();
  }, []);
  const refused = answers.find((a) => /^AccessDenied/.test(a.error?.name ?? ""));
  if (refused) return html`<${Denied} error=${refused.error} action="keyhold:ExplainDecision" />`;
  const may = answers.filter((a) => a.outcome === "allowed").length;
  return html`<h2>${form.action}${form.key && ` on ${form.key}`}</h2>
    <p role="status">Asked about ${answers.length} of ${principals.length} principals: ${may} may.</p>
    <${Table} caption="Answers" rows=${answers} keyOf=${(a) => a.principal} columns=${[
      { head: "Principal", cell: (a) => html`<code>${a.principal}</code>` },
      { head: "Decision", cell: (a) => (a.error ? a.error.message : html`<${Outcome} of=${a.outcome} />`) },
      { head: "Why", cell: (a) => a.answer && html`<${Button} kind="plain" onClick=${() => show(a)}>Explain<//>` },
    ]} />
    <${Dialog} title="Explanation" open=${shown !== null} onClose=${() => show(null)}>
      ${shown && html`<${Explanation} of=${shown.answer} />`}
      <${Button} onClick=${() => show(null)}>Close<//>
    <//>`;
}

/** askEach asks about one principal after the other, because the server explains one decision at a time. */
async function askEach(api, form, principals, signal, set) {
  const answers = [];
  for (const principal of principals) {
    try {
      const answer = await api.call("KeyholdAdmin.ExplainDecision", questionOf({ ...form, principal }), { signal });
      answers.push({ principal, answer, outcome: outcomeOf(answer.Decisions) });
    } catch (error) {
      if (signal.aborted) return;
      answers.push({ principal, error });
    }
    set(answers.slice());
    if (/^AccessDenied/.test(answers.at(-1).error?.name ?? "")) return;
  }
}

/** outcomeOf returns the outcome of the first decision that is not "allowed", or "allowed". */
export function outcomeOf(decisions) {
  return (decisions.find((d) => d.Outcome !== "allowed") ?? decisions.at(-1))?.Outcome ?? "allowed";
}
