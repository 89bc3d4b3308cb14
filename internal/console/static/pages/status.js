// The server that answers, and its deployment.

import { html, useRef } from "../lib/dom.js";
import { Denied } from "../lib/denied.js";
import { useEvery } from "../lib/every.js";
import { Badge, Empty, Facts, Loading, State, Table, Time, useLoad } from "../lib/parts.js";
import { duration, short } from "../lib/plot.js";
import { Plot } from "../lib/plotview.js";

const period = 10; // seconds

export default function Status({ api, session }) {
  const status = useLoad((signal) => api.call("KeyholdAdmin.Status", {}, { signal }), []);
  const last = useRef();
  if (status.value) last.current = status.value;
  useEvery(period, status.again, !/^AccessDenied/.test(status.error?.name ?? ""));
  return html`<h1>Status</h1>
    ${status.error && html`<${Denied} error=${status.error} action="keyhold:Status" again=${status.again} />`}
    ${last.current ? html`<${Shown} of=${last.current} session=${session} />`
      : !status.error && html`<${Loading} what="the status" />`}`;
}

function Shown({ of, session }) {
  return html`<p>${of.Ready ? html`<${Badge} kind="good">Ready<//>` : html`<${Badge} kind="bad">Not ready<//>`}
      ${" "}as of <${Time} at=${of.Time} />. This page asks again every ${period} seconds while it is visible.</p>
    <${Server} of=${of} />
    <${Minutes} of=${of.Minutes} />
    <h2>Checks</h2><${Checks} of=${of.Checks} />
    <h2>What runs out</h2><${Readings} of=${of.Readings ?? []} />
    <h2>Custody of the root key</h2><${Custodies} of=${of.Custodies} />
    ${of.Nodes.length > 0 && html`<h2>Nodes</h2><${Nodes} of=${of.Nodes} />`}
    <h2>Audit log</h2><${Log} of=${of.Audit} />
    <h2>Keys</h2><${Keys} of=${of} />
    <h2>Next expiries</h2><${Moments} of=${of.Expiries} none="No key material expires." session=${session} />
    <p><a href="#/calendar">Show the calendar of expiries</a></p>
    <h2>Next deletions</h2><${Moments} of=${of.Deletions} none="No key is scheduled for deletion." session=${session} />`;
}

function Server({ of }) {
  const use = of.Connections;
  return html`<${Facts} of=${[
    ["Address", of.Address], ["Version", of.Version], ["Started", of.Started && html`<${Time} at=${of.Started} />`],
    ["Connections", use && `${use.Used} of at most ${use.Limit}`],
    ["Free disk space", of.Disk && `${short(of.Disk.Free)}B`],
    ["Requests refused by rates", of.Throttled !== undefined && String(of.Throttled)],
    ["Certificate ends", of.Certificate && html`<${Time} at=${of.Certificate.NotAfter} />`],
    ["Certificate is for", of.Certificate?.Names && list(of.Certificate.Names)],
    ["Certificate was signed by", of.Certificate?.Issuer],
  ]} />`;
}

const list = (names) => html`<ul>${names.map((name) => html`<li><code>${name}</code></li>`)}</ul>`;

/** Readings shows how long the certificate, the root key and the disk will do. */
function Readings({ of }) {
  if (of.length === 0) return html`<${Empty} title="This server watches nothing that runs out." />`;
  return html`<${Table} caption="What runs out" rows=${of} keyOf=${(r) => r.Subject + r.Name} columns=${[
    { head: "What", cell: (r) => r.Subject },
    { head: "State", cell: (r) => (r.Low ? html`<${Badge} kind="warn">low<//>` : html`<${Badge} kind="good">good<//>`) },
    { head: "Fact", cell: (r) => r.Reason }, { head: "Ends", class: "time", cell: (r) => html`<${Time} at=${r.Ends} />` },
    { head: "What to do", cell: (r) => r.Remedy },
  ]} />`;
}

function Minutes({ of }) {
  if (of.length === 0) {
    return html`<h2>The last hour</h2><${Empty} title="There are no figures yet.">
      <p>A server of <code>keyhold serve</code> keeps the figures of the last 60 complete minutes in its memory. A dev
        server keeps none.</p><//>`;
  }
  const labels = of.map((m) => clock(m.Begun));
  const series = (name, value) => ({ name, values: of.map(value) });
  return html`<h2>The last hour</h2><div class="plots">
    <${Plot} kind="lines" title="Requests per second, by local time" labels=${labels} series=${[
      series("all", (m) => m.Requests / 60), series("refused", (m) => m.Refused / 60)]} />
    <${Plot} kind="lines" title="Latency, by local time: at most" labels=${labels} format=${duration} series=${[
      series("half of the requests", (m) => (m.Requests ? m.Median : null)),
      series("99 % of the requests", (m) => (m.Requests ? m.P99 : null))]} />
  </div>`;
}

const clock = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 5);

function Checks({ of }) {
  if (of.length === 0) return html`<${Empty} title="A dev server has no checks." />`;
  return html`<${Table} caption="Checks" rows=${of} keyOf=${(c) => c.Name} columns=${[
    { head: "Check", cell: (c) => c.Name },
    { head: "Result", cell: (c) => (c.Passed ? html`<${Badge} kind="good">passed<//>`
      : html`<${Badge} kind=${c.Degrades ? "warn" : "bad"}>${c.Degrades ? "degraded" : "failed"}<//>`) },
    { head: "Reason", cell: (c) => c.Reason },
  ]} />`;
}

function Custodies({ of }) {
  return html`<${Table} caption="Custodies" rows=${of} keyOf=${(c) => c.CustodyId} columns=${[
    { head: "Custody", cell: (c) => html`<code>${c.CustodyId}</code>` },
    { head: "State", cell: (c) => html`${c.InUse && html`<${Badge} kind="good">in use<//>`}
      ${c.Lags && html` <${Badge} kind="warn">lacks the newest root key<//>`}
      ${c.FailsSince && html` <${Badge} kind="bad">fails<//> since <${Time} at=${c.FailsSince} />`}` },
    { head: "Proved", cell: (c) => html`<${Time} at=${c.Proved} />` },
    { head: "Since", cell: (c) => html`<${Time} at=${c.Since} />` },
    { head: "Nodes", cell: (c) => (c.Nodes ?? []).join(", ") },
  ]} />`;
}

function Nodes({ of }) {
  return html`<${Table} caption="Nodes" rows=${of} keyOf=${(n) => n.NodeId} columns=${[
    { head: "Node", cell: (n) => html`<code>${n.NodeId}</code>${n.Self && " (this one)"}` },
    { head: "State", cell: (n) => n.State }, { head: "Address", cell: (n) => n.Address },
    { head: "Version", cell: (n) => n.Version },
  ]} />`;
}

function Log({ of }) {
  if (!of) return html`<${Empty} title="This server keeps no audit log." />`;
  const behind = (n) => n !== undefined && `${n} lines behind`;
  return html`<${Facts} of=${[
    ["Origin", html`<code>${of.Origin}</code>`], ["Lines", of.Lines], ["Anchor", behind(of.AnchorBehind)],
    ["Second device", behind(of.ForwardBehind)],
  ]} /><p><a href="#/audit">Search the audit log</a></p>`;
}

function Keys({ of }) {
  if (of.Keys.length === 0) return html`<${Empty} title="There are no keys." />`;
  return html`<${Table} caption="Keys by state" rows=${of.Keys} keyOf=${(k) => k.KeyState} columns=${[
    { head: "State", cell: (k) => html`<${State} of=${k.KeyState} />` },
    { head: "Keys", cell: (k) => k.Count.toLocaleString("en") },
  ]} /><p class="note">Of all accounts and Regions, counted <${Time} at=${of.KeysCounted} />.</p>`;
}

function Moments({ of, none, session }) {
  if (of.length === 0) return html`<${Empty} title=${none} />`;
  return html`<${Table} caption="Next times" rows=${of} keyOf=${(m) => m.Arn} columns=${[
    { head: "Time", class: "time", cell: (m) => html`<${Time} at=${m.At} />` },
    { head: "Key", cell: (m) => html`<${KeyName} arn=${m.Arn} session=${session} />` },
  ]} />`;
}

/** KeyName links to a key if the session can see it: the status names keys of all accounts and Regions. */
function KeyName({ arn, session }) {
  const [, , , region, account, name] = arn.split(":");
  const id = name.replace("key/", "");
  if (region !== session.region || account !== session.account) return html`<code>${arn}</code>`;
  return html`<a href=${`#/keys/${encodeURIComponent(id)}`}>${id}</a>`;
}
