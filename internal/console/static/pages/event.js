// One event of the audit log, and the proof that it is in the log.

import { html, download, useState } from "../lib/dom.js";
import { Denied, LoadFor } from "../lib/denied.js";
import { rowOf } from "../lib/events.js";
import { NotProved, parseVerifierKey, verifyProof } from "../lib/merkle.js";
import { Badge, Button, Code, Facts, Field, Id, Load, Loading, Time, useLoad } from "../lib/parts.js";
import { pin, pinned } from "../lib/pins.js";
import { link } from "../lib/route.js";
import { Outcome } from "./audit.js";

export default function Event({ api, route }) {
  const id = route.params.event;
  const index = /^\d{1,13}$/.test(route.query.get("index") ?? "") ? Number(route.query.get("index")) : null;
  const proof = useLoad((signal) => prove(api, id, index, signal), [id, index]);
  const event = useLoad((signal) => read(api, id, index, signal), [id, index]);
  const row = event.value ?? (proof.value && rowOf(proof.value.Event));
  return html`<h1>Event of the audit log</h1>
    <p><a href="#/audit">Back to the search</a></p>
    ${row ? html`<${Shown} row=${row} />`
      : event.error ? html`<${Denied} error=${event.error} action="keyhold:QueryAudit" />`
        : !proof.error && html`<${Loading} what="the event" />`}
    <h2>Proof</h2>
    <${LoadFor} of=${proof} what="the proof" action="keyhold:ProveEvent">${(answer) =>
      html`<${Proof} answer=${answer} id=${id} />`}<//>`;
}

/** prove asks for the proof of an event. Without the index of its line, the server may need several requests. */
async function prove(api, EventId, Index, signal) {
  let answer = await api.call("KeyholdAdmin.ProveEvent", { EventId, ...(Index !== null && { Index }) }, { signal });
  while (answer.Truncated) {
    answer = await api.call("KeyholdAdmin.ProveEvent", { EventId, Marker: answer.NextMarker }, { signal });
  }
  return answer;
}

/** read returns the row of an event whose line is known, for callers who may not prove events. */
async function read(api, id, index, signal) {
  if (index === null) return undefined;
  const answer = await api.call("KeyholdAdmin.QueryAudit", { FirstIndex: index, Limit: 1 }, { signal });
  const row = answer.Events.map(rowOf)[0];
  return row?.eventId === id ? row : undefined;
}

function Shown({ row }) {
  const { event } = row;
  const refused = row.outcome !== "success";
  return html`<${Facts} of=${[
      ["Operation", row.name], ["Outcome", html`<${Outcome} of=${row.outcome} />`], ["Message", event?.errorMessage],
      ["Time", html`<${Time} at=${row.time} />`],
      ["Principal", html`${row.principal} <a href=${`#/audit?${new URLSearchParams({ principal: row.principal })}`}>
        Other events of this principal</a>`],
      ["Address", event?.sourceIPAddress], ["Program", event?.userAgent],
      ["Keys", row.keys.length > 0 && row.keys.map((arn) => html`<div><${Id} of=${arn} label="Copy the ARN of the key" /></div>`)],
      ["Request ID", row.requestId && html`<${Id} of=${row.requestId} label="Copy the request ID" />`],
      ["Event ID", html`<${Id} of=${row.eventId} label="Copy the event ID" />`], ["Line", row.index],
    ]} />
    ${refused && row.requestId && html`<p><a href=${`#/explain?tab=refused&request=${encodeURIComponent(row.requestId)}`}>
      Why was this refused?</a></p>`}
    <h2>The event as JSON</h2>
    <${Code} text=${event ? JSON.stringify(event, null, 2) : row.line ?? ""} label="Copy the event" />`;
}

function Proof({ answer, id }) {
  const { Event, Proof: proof, Log } = answer;
  const [kept, setKept] = useState(pinned(Log.Origin));
  const key = kept ?? Log.VerifierKey;
  const verified = useLoad(() => verify(Event, proof, key, id), [Event.Line, proof, key, id]);
  return html`
    ${verified.error ? html`<${Failed} error=${verified.error} kept=${kept} />`
      : html`<${Load} of=${verified} what="the verification">${(v) => html`<${Verified} of=${v} kept=${kept} />`}<//>`}
    <${Pin} origin=${Log.Origin} offered=${Log.VerifierKey} kept=${kept} onKept=${setKept} />
    <h3>Files</h3>
    <p>With the line, the proof and the verifier key, everybody can verify the proof without Keyhold.</p>
    <div class="actions">
      <${Button} onClick=${() => download("event.json", Event.Line)}>Save the line<//>
      <${Button} onClick=${() => download("event.tlog-proof", proof, "text/plain")}>Save the proof<//>
    </div>
    <${Code} text=${proof} label="Copy the proof" />`;
}

async function verify(entry, proof, key, id) {
  if (rowOf(entry).eventId !== id) throw new NotProved("The server answered with another event.");
  return verifyProof(entry.Line, proof, key);
}

function Failed({ error, kept }) {
  return html`<div class="failure" role="alert">
    <p><${Badge} kind="bad">not proved<//> ${error.message}</p>
    <p>${error instanceof NotProved ? html`The event, the proof or the checkpoint is not as the log had it${kept
      ? ", or the pinned verifier key is not the key of this log" : ""}. Keep the line and the proof, and verify a copy
      of the data folder with <code>keyhold audit verify</code>.`
      : "The browser could not verify the proof."}</p>
  </div>`;
}

function Verified({ of, kept }) {
  return html`<p role="status"><${Badge} kind=${of.signed && kept ? "good" : "warn"}>
      ${!of.signed ? "signature not verified" : kept ? "proved" : "proved, by the key of the server"}<//>
    ${" "}This page has computed from the event and the proof that it is line ${String(of.index)} of the first
    ${" "}${String(of.size)} lines of the log <code>${of.origin}</code>.</p>
    ${!of.signed && html`<p class="notice">This browser has no Ed25519, so the signature of the checkpoint was not
      verified. Save the line and the proof, and verify them with another program.</p>`}
    ${of.signed && !kept && html`<p class="notice">The verifier key came from the server that also made the proof.
      Compare it with the key that <code>keyhold init</code> printed, and pin it.</p>`}`;
}

/** Pin shows the verifier key, and keeps the key that the user trusts. */
function Pin({ origin, offered, kept, onKept }) {
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const keep = async (key) => {
    try {
      const { name } = await parseVerifierKey(key);
      if (name !== origin) throw new NotProved(`This is the key of another log, ${name}.`);
      setError(pin(origin, key.trim()) ? "" : "The browser does not keep the key: it is used until you leave this page.");
      onKept(key.trim());
    } catch (e) {
      setError(e.message);
    }
  };
  if (kept) {
    return html`<h3>Pinned verifier key</h3>
      <${Code} text=${kept} label="Copy the verifier key" />
      ${error && html`<p class="error" role="alert">${error}</p>`}
      ${kept !== offered && html`<p class="failure" role="alert">The server now names another key: <code>${offered}</code></p>`}
      <${Button} onClick=${() => { pin(origin, null); onKept(null); }}>Remove the pin<//>`;
  }
  return html`<h3>Verifier key</h3>
    <${Code} text=${offered} label="Copy the verifier key" />
    <div class="actions"><${Button} onClick=${() => keep(offered)}>I have compared this key: pin it<//></div>
    <form onSubmit=${(e) => { e.preventDefault(); keep(text); }}>
      <${Field} label="Or paste the key that you trust" value=${text} error=${error}
        onInput=${(e) => setText(e.target.value)} hint="ORIGIN+ID+KEY, as keyhold init prints it" />
      <${Button} type="submit" disabled=${text.trim() === ""}>Pin this key<//>
    </form>`;
}
