// The shell: it reads the settings, shows the page to sign in, and then the page of the address.

import { html, render, useEffect, useRef, useState } from "./lib/dom.js";
import { connect } from "./lib/api.js";
import { parse } from "./lib/route.js";
import { Failure, Loading } from "./lib/parts.js";
import { Header, Navigation } from "./lib/shell.js";
import SignIn from "./pages/signin.js";
import { table } from "./pages/index.js";

/** start reads what the page needs to know of its server, and shows the page. */
async function start(root) {
  if (!globalThis.crypto?.subtle) {
    render(html`<${Insecure} />`, root);
    return;
  }
  try {
    const [settings, remedies] = await Promise.all([fetchJSON("settings.json"), fetchJSON("remedies.json")]);
    const ahead = Date.parse(settings.date) - Date.now();
    const now = () => new Date(Date.now() + ahead);
    render(html`<${App} settings=${settings.value} remedies=${remedies.value} now=${now} />`, root);
  } catch (error) {
    render(html`<main><${Failure} error=${error} again=${() => location.reload()} /></main>`, root);
  }
}

async function fetchJSON(name) {
  const answer = await fetch("/console/" + name);
  if (!answer.ok) throw new Error(`The server answered with the status ${answer.status}.`);
  return { value: await answer.json(), date: answer.headers.get("date") };
}

/** Insecure says why the console cannot work. */
function Insecure() {
  return html`<main class="centre"><h1>This page needs HTTPS</h1>
    <p>Browsers give pages the functions of cryptography (<code>crypto.subtle</code>) only over HTTPS, or from
      <code>localhost</code> and <code>127.0.0.1</code>. The console signs each request and wraps key material in the
      page, so it cannot work without these functions.</p>
    <p>Start the server with a certificate, as <code>keyhold serve --tls-cert FILE --tls-key FILE</code> or
      <code>keyhold dev --tls</code>, and open this page at its https address.</p>
  </main>`;
}

function App({ settings, remedies, now }) {
  const [session, setSession] = useState(null);
  const [ended, setEnded] = useState("");
  const end = (why) => {
    session?.end();
    setSession(null);
    setEnded(why);
  };
  useEffect(() => {
    if (!session) return undefined;
    const timer = setTimeout(() => end("expired"), Math.max(0, session.ends - Date.now()));
    return () => clearTimeout(timer);
  }, [session]);
  const begin = (made) => {
    setEnded("");
    setSession(made);
  };
  if (!session) {
    return html`<${SignIn} settings=${settings} remedies=${remedies} now=${now} ended=${ended} onSession=${begin} />`;
  }
  const api = connect({ signer: session, remedies, now, onExpired: () => end("expired") });
  return html`<${Signed} key=${session.accessKeyId + session.region} api=${api} session=${session}
    settings=${settings} onSession=${begin} onEnd=${end} />`;
}

function Signed({ api, session, settings, onSession, onEnd }) {
  const hash = useHash();
  const { row, route } = parse(hash, table);
  return html`
    <a class="skip" href="#content" onClick=${skip}>Skip to the content</a>
    <${Header} session=${session} settings=${settings} onSession=${onSession} onEnd=${onEnd} api=${api} />
    <div class="body">
      <${Navigation} table=${table} path=${route.path} />
      <main id="content" tabindex="-1">
        ${row ? html`<${Lazy} key=${row.path} row=${row} route=${route} api=${api} session=${session} settings=${settings} />`
          : html`<h1>There is no such page</h1><p><a href="#/">Go to the overview</a></p>`}
      </main>
    </div>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("content").focus();
}

function useHash() {
  const [hash, set] = useState(location.hash);
  useEffect(() => {
    const read = () => set(location.hash);
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return hash;
}

/** Lazy loads the module of a page and shows the page. When the address changes, the focus goes to its heading. */
function Lazy({ row, route, ...rest }) {
  const [Page, setPage] = useState(null);
  const [error, setError] = useState(null);
  const box = useRef(null);
  useEffect(() => {
    document.title = row.title + " · Keyhold";
    row.load().then((module) => setPage(() => module.default), setError);
  }, [row]);
  useEffect(() => {
    const heading = box.current?.querySelector("h1");
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [Page, route.path]);
  if (error) return html`<${Failure} error=${error} again=${() => location.reload()} />`;
  if (!Page) return html`<${Loading} what="the page" />`;
  return html`<div ref=${box}><${Page} key=${route.path} route=${route} ...${rest} /></div>`;
}

start(document.getElementById("app"));
