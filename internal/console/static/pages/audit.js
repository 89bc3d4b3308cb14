// The search in the audit log of the node that answers.

import { html } from "../lib/dom.js";
import { Denied } from "../lib/denied.js";
import { newest, rowOf, searchOf } from "../lib/events.js";
import { goTo } from "../lib/forms.js";
import { Badge, Button, Code, Empty, Facts, Field, Loading, Select, Table, Time } from "../lib/parts.js";
import { link } from "../lib/route.js";
import { usePages } from "../lib/usepages.js";

export default function Audit({ api, route }) {
  const form = Object.fromEntries(route.query);
  const found = usePages(api, "KeyholdAdmin.QueryAudit", searchOf(form, form.zone === "utc" ? "utc" : "local"),
    { list: "Events", entry: rowOf, enough: 200 }, [route.query.toString()]);
  return html`<h1>Audit log</h1>
    <${Conditions} key=${route.query.toString()} form=${form} />
    ${found.error && html`<${Denied} error=${found.error} action="keyhold:QueryAudit" again=${found.again} />`}
    <${Progress} of=${found} form=${form} />
    ${found.items.length > 0 ? html`<${Rows} rows=${found.items} />`
      : found.whole && html`<${Empty} title="No event fulfils the conditions." />`}
    <${Log} of=${found.last?.Log} altered=${found.last?.AlteredIndexes} />`;
}

/** Conditions is the form. Its values become the address of the page, so a search can be kept as a link. */
function Conditions({ form }) {
  const text = (name, label, hint) => html`<${Field} label=${label} name=${name}
    defaultValue=${form[name] ?? ""} hint=${hint} />`;
  return html`<form onSubmit=${goTo("audit")} aria-label="Conditions">
    <div class="filters conditions">
      ${text("operation", "Operation", "such as Decrypt")}
      ${text("outcome", "Outcome", "success, failure, or the code of an error")}
      ${text("principal", "Principal", "an ARN, user name or access key ID")}
      ${text("key", "Key", "an ARN or ID")}
      ${text("request", "Request ID")}
    </div><div class="filters conditions">
      <${Field} label="From" name="from" type="datetime-local" step="1" defaultValue=${form.from ?? ""} />
      <${Field} label="To (excluded)" name="to" type="datetime-local" step="1" defaultValue=${form.to ?? ""} />
      <${Select} label="Times are in" name="zone" value=${form.zone ?? "local"}
        options=${[["local", "the time zone of the browser"], ["utc", "UTC"]]} />
      <${Select} label="Without a time, search" name="whole" value=${form.whole ?? ""}
        options=${[["", `the newest ${newest.toLocaleString("en")} lines`], ["yes", "the whole log"]]} />
    </div>
    <div class="actions"><${Button} kind="primary" type="submit">Search<//> <a href="#/audit">Clear</a></div>
  </form>`;
}

function Progress({ of }) {
  if (of.reading && of.items.length === 0 && !of.last) return html`<${Loading} what="the events" />`;
  if (of.error) return null;
  const count = `${of.items.length.toLocaleString("en")} ${of.items.length === 1 ? "event" : "events"}`;
  return html`<p role="status">${of.reading ? html`Found ${count} so far … <${Button} onClick=${of.stop}>Stop<//>`
    : of.whole ? `Found ${count}.`
      : html`Found ${count}; the search has not reached the end. <${Button} onClick=${of.more}>Search further<//>`}</p>`;
}

function Rows({ rows }) {
  return html`<${Table} caption="Events, the newest first" rows=${rows.toReversed()} keyOf=${(r) => r.index} columns=${[
    { head: "Time", class: "time", cell: (r) => html`<${Time} at=${r.time} />` },
    { head: "Operation", cell: (r) => html`<${Name} of=${r} />` },
    { head: "Outcome", cell: (r) => html`<${Outcome} of=${r.outcome} />` },
    { head: "Principal", cell: (r) => r.principal },
    { head: "Keys", cell: (r) => r.keys.map((arn) => html`<div>${arn.split(":").slice(5).join(":")}</div>`) },
    { head: "Line", cell: (r) => r.index },
  ]} />`;
}

function Name({ of }) {
  if (!of.event) return of.line === null ? "a line that is too long" : "a line that is not an event";
  return html`<a href=${`${link("audit", of.eventId)}?index=${of.index}`}>${of.name || "(no name)"}</a>`;
}

/** Outcome shows "success" or the code of an error. */
export function Outcome({ of }) {
  return of && html`<${Badge} kind=${of === "success" ? "good" : "bad"}>${of}<//>`;
}

/** Log says which lines of which log an answer covers, and which lines were altered. */
export function Log({ of, altered = [] }) {
  if (!of) return null;
  return html`<h2>The log</h2>
    ${altered.length > 0 && html`<p class="failure" role="alert"><strong>These lines are not as the server wrote
      them:</strong> ${altered.join(", ")}. Verify a copy of the data folder with <code>keyhold audit verify</code>.</p>`}
    <${Facts} of=${[["Origin", html`<code>${of.Origin}</code>`],
      ["Lines", of.EndIndex > of.FirstIndex ? `${of.FirstIndex} to ${of.EndIndex - 1}, counted from 0` : "none"],
      ["Logs of other nodes, which were not searched", of.OtherLogs?.length && html`<ul>${of.OtherLogs.map((l) =>
        html`<li><code>${l}</code></li>`)}</ul>`]]} />
    ${of.Checkpoint && html`<h3>Newest checkpoint</h3><${Code} text=${of.Checkpoint} label="Copy the checkpoint" />`}`;
}
