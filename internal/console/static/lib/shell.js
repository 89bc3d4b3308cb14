// The frame around every page: who is signed in and for how long, and the navigation.

import { html, useEffect, useState } from "./dom.js";
import { SwitchRole } from "./assume.js";
import { Button } from "./parts.js";

/** Header shows the session. */
export function Header({ api, session, settings, onSession, onEnd }) {
  return html`<header>
    <a class="brand" href="#/">Keyhold</a>
    ${settings.dev && html`<span class="badge warn">dev server</span>`}
    <${Region} session=${session} onSession=${onSession} />
    <span class="who" title=${session.arn}>${session.arn.replace(/^arn:aws:(iam|sts)::/, "")}</span>
    <${Left} session=${session} />
    <${SwitchRole} session=${session} api=${api} onSession=${onSession} />
    ${session.from && html`<${Button} onClick=${() => onSession(session.from)}>Back to ${nameOf(session.from.arn)}<//>`}
    <${Button} onClick=${() => onEnd("signed out")}>Sign out<//>
  </header>`;
}

function nameOf(arn) {
  return arn.split(/[:/]/).pop();
}

function Region({ session, onSession }) {
  return html`<label class="region"><span class="hidden">Region</span>
    <select onChange=${(e) => onSession(session.inRegion(e.target.value))}>
      ${session.regions.map((r) => html`<option value=${r} selected=${r === session.region}>${r}</option>`)}
    </select></label>`;
}

/** Left shows how long the session lasts. */
function Left({ session }) {
  const [left, set] = useState(session.left());
  useEffect(() => {
    const timer = setInterval(() => set(session.left()), 5000);
    return () => clearInterval(timer);
  }, [session]);
  return html`<span class="left" role="timer">${Math.ceil(left / 60)} min left</span>`;
}

/** Navigation lists the pages that have a group. */
export function Navigation({ table, path }) {
  const groups = [...new Set(table.map((row) => row.group))].filter((group) => group !== "-");
  return html`<nav class="pages" aria-label="Pages">
    ${groups.map((group) => html`<div><h2>${group}</h2><ul>${table.filter((row) => row.group === group).map((row) =>
      html`<li><a href=${"#/" + row.path} aria-current=${row.path === path ? "page" : undefined}>${row.title}</a></li>`)}
    </ul></div>`)}
  </nav>`;
}
