// The expiry calendar: when key material of which keys expires.

import { html, useState } from "../lib/dom.js";
import { Denied } from "../lib/denied.js";
import { countByMonth, dayKey, dayOf, monthKey, monthName, startOf, weeksOf } from "../lib/months.js";
import { Button, Empty, Loading, State, Table, Time } from "../lib/parts.js";
import { Plot } from "../lib/plotview.js";
import { link } from "../lib/route.js";
import { usePages } from "../lib/usepages.js";
import { ZoneChoice, useZone } from "../lib/zone.js";

export default function Calendar({ api, route }) {
  const [zone, setZone] = useZone();
  const expiries = usePages(api, "KeyholdAdmin.ListKeySummaries", { OrderBy: "EXPIRY", Limit: 200 },
    { list: "Keys", entry: entryOf, enough: most }, []);
  return html`<h1>Expiry calendar</h1>
    <p>Imported key material is deleted when it expires. Keys keep their IDs, and the same material can be imported
      again.</p>
    ${expiries.error && html`<${Denied} error=${expiries.error} action="keyhold:ListKeySummaries"
      again=${expiries.again} />`}
    <${Progress} of=${expiries} />
    ${expiries.items.length > 0 ? html`
      <${ZoneChoice} zone=${zone} onZone=${setZone} />
      <${Year} keys=${expiries.items} zone=${zone} query=${route.query} />`
      : expiries.whole && html`<${Empty} title="No key material expires.">
        <p>Material expires if it was imported with an expiry date. <a href="#/keys">Show all keys</a></p><//>`}`;
}

/** The calendar pauses after this number of keys, which all are in the memory of the page. */
const most = 100_000;

/** entryOf keeps only what the page shows of a key. */
function entryOf({ KeyMetadata: key, Aliases, ValidTo }) {
  return { id: key.KeyId, state: key.KeyState, description: key.Description, alias: Aliases?.[0], at: ValidTo };
}

function Progress({ of }) {
  const count = of.items.length.toLocaleString("en");
  if (of.reading && of.items.length === 0) return html`<${Loading} what="the expiries" />`;
  return html`<p role="status">
    ${of.reading ? html`Read ${count} keys so far … <${Button} onClick=${of.stop}>Stop<//>`
      : of.whole ? of.items.length > 0 && `${count} ${of.items.length === 1 ? "key has" : "keys have"} material that expires.`
        : html`These are ${count} keys, not all of them. <${Button} onClick=${of.more}>Read on<//>`}
    ${" "}Keys that you may not describe (<code>kms:DescribeKey</code>) are not in the calendar.</p>`;
}

/** now is the time of the calendar, in seconds. */
const now = () => Date.now() / 1000;

function Year({ keys, zone, query }) {
  const { months, earlier, later } = countByMonth(keys.map((k) => k.at), now(), zone);
  const chosen = valid(query.get("month"), /^\d{4}-(0[1-9]|1[0-2])$/) ?? (months.find((m) => m.count > 0) ?? months[0]).key;
  return html`<${Plot} kind="bars" whole title="Keys whose material expires, by month"
      labels=${months.map((m) => monthName(m.key))} series=${[{ name: "keys", values: months.map((m) => m.count) }]} />
    <nav aria-label="Months" class="months">${months.map((m) => html`
      <a href=${`#/calendar?month=${m.key}`} aria-current=${m.key === chosen ? "true" : undefined}>
        ${monthName(m.key)} <span class="count">${m.count}</span></a>`)}</nav>
    ${earlier + later > 0 && html`<p class="note">${earlier + later} more expire outside these months.</p>`}
    <${Chosen} keys=${keys} zone=${zone} month=${chosen} day=${valid(query.get("day"), /^\d{4}-\d\d-\d\d$/)} />`;
}

function Chosen({ keys, zone, month, day }) {
  const [begin, end] = [0, 1].map((n) => startOf(...addMonths(month, n), 1, zone));
  const inMonth = keys.filter((k) => begin <= k.at && k.at < end);
  const shown = day ? inMonth.filter((k) => dayKey(dayOf(k.at, zone)) === day) : inMonth;
  return html`<h2>${monthName(month)}</h2>
    <${Month} month=${month} keys=${inMonth} zone=${zone} day=${day} />
    <h3>${day ? `Keys on ${day}` : `Keys in ${monthName(month)}`}</h3>
    <${List} key=${day ?? month} keys=${shown} />`;
}

function addMonths(month, n) {
  const [year, number] = month.split("-").map(Number);
  return [year, number + n];
}

const valid = (text, form) => (text && form.test(text) ? text : null);

const weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

function Month({ month, keys, zone, day }) {
  const counts = new Map();
  for (const k of keys) {
    const at = dayKey(dayOf(k.at, zone));
    counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  return html`<table class="month"><caption class="hidden">Days of ${monthName(month)}</caption>
    <thead><tr>${weekdays.map((name) => html`<th scope="col"><abbr title=${name}>${name.slice(0, 2)}</abbr></th>`)}</tr></thead>
    <tbody>${weeksOf(startOf(...addMonths(month, 0), 1, "utc"), "utc").map((week) => html`<tr>${week.map((d) =>
      html`<td>${d && html`<${Day} of=${d} count=${counts.get(dayKey(d))} chosen=${dayKey(d) === day} />`}</td>`)}</tr>`)}</tbody>
  </table>`;
}

function Day({ of, count, chosen }) {
  if (!count) return html`<span class="day">${of.day}</span>`;
  const address = `#/calendar?month=${monthKey(of)}${chosen ? "" : `&day=${dayKey(of)}`}`;
  return html`<a class="day" href=${address} aria-current=${chosen ? "date" : undefined}>
    ${of.day} <span class="count">${count}</span>
    <span class="hidden">${count === 1 ? "key" : "keys"} on ${dayKey(of)}</span></a>`;
}

function List({ keys }) {
  const [shown, show] = useState(100);
  if (keys.length === 0) return html`<${Empty} title="Nothing expires then." />`;
  return html`<${Table} caption="Keys whose material expires" rows=${keys.slice(0, shown)} keyOf=${(k) => k.id}
      columns=${columns} />
    ${keys.length > shown && html`<${Button} onClick=${() => show(shown + 100)}>
      Show 100 more of ${keys.length - shown}<//>`}`;
}

const columns = [
  { head: "Expires", class: "time", cell: (k) => html`<${Time} at=${k.at} />` },
  { head: "Key", cell: (k) => html`<a href=${link("keys", k.id)}>${k.alias ?? k.id}</a>` },
  { head: "State", cell: (k) => html`<${State} of=${k.state} />` },
  { head: "Description", cell: (k) => k.description },
  { head: "Change", cell: (k) => html`<a href=${link("import", k.id)} aria-label=${`Import into ${k.alias ?? k.id}`}>Import</a>` },
];
