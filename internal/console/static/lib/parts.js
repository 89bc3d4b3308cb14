// Small components that all pages share.

import { classes, html, useCallback, useEffect, useId, useRef, useState } from "./dom.js";

/**
 * useLoad runs load and returns its state. It runs again when one of deps changes, and when again is called.
 * @param {(signal: AbortSignal) => Promise<T>} load
 * @param {unknown[]} deps
 * @returns {{value: T|undefined, error: Error|undefined, loading: boolean, again: () => void}}
 * @template T
 */
export function useLoad(load, deps) {
  const [state, set] = useState({ loading: true });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    set((before) => ({ ...before, error: undefined, loading: true }));
    load(stop.signal).then(
      (value) => stop.signal.aborted || set({ value, loading: false }),
      (error) => stop.signal.aborted || set({ error, loading: false }));
    return () => stop.abort();
  }, [...deps, round]);
  return { ...state, again: useCallback(() => setRound((n) => n + 1), []) };
}

/**
 * useAction returns the state of something that the user starts, and run, which starts it.
 * @returns {{busy: boolean, error: Error|undefined, run: (work: () => Promise<any>) => Promise<boolean>}} run reports
 *   whether the work succeeded
 */
export function useAction() {
  const [state, set] = useState({ busy: false });
  const run = async (work) => {
    set({ busy: true });
    try {
      await work();
      set({ busy: false });
      return true;
    } catch (error) {
      set({ busy: false, error });
      return false;
    }
  };
  return { ...state, run };
}

/**
 * Load shows what useLoad returned: Loading, Failure, or children(value).
 * @param {{of: ReturnType<typeof useLoad>, what: string, children: (value: any) => any}} props
 */
export function Load({ of, what, children }) {
  if (of.error) return html`<${Failure} error=${of.error} again=${of.again} />`;
  if (of.value === undefined) return html`<${Loading} what=${what} />`;
  return html`<div aria-busy=${of.loading}>${[children].flat()[0](of.value)}</div>`;
}

/** Loading says that something is being fetched: <Loading what="the keys" />. */
export function Loading({ what }) {
  return html`<p class="loading" role="status">Loading ${what} …</p>`;
}

/** Empty says that there is nothing, and what to do: its children. */
export function Empty({ title, children }) {
  return html`<div class="empty"><p><strong>${title}</strong></p>${children}</div>`;
}

/**
 * Failure shows an error with its request ID, cause and remedy.
 * @param {{error: Error, again?: () => void}} props
 */
export function Failure({ error, again }) {
  const box = useRef(null);
  useEffect(() => box.current?.scrollIntoView({ block: "nearest" }), [error]);
  return html`<div class="failure" role="alert" ref=${box}>
    <p><strong>${error.name}</strong>${error.message && `: ${error.message}`}</p>
    ${error.remedy && html`<dl>
      <dt>Why</dt><dd>${error.remedy.why}</dd>
      <dt>What to do</dt><dd>${error.remedy.do}</dd>
    </dl>`}
    ${error.requestId && html`<p class="note">Request ID <code>${error.requestId}</code> <${Copy}
      text=${error.requestId} label="Copy the request ID" /></p>`}
    ${again && html`<${Button} onClick=${again}>Try again<//>`}
  </div>`;
}

/**
 * Button is a button. While busy it cannot be pressed.
 * @param {{kind?: "primary"|"danger"|"plain", busy?: boolean, type?: string, children: any}} props
 */
export function Button({ kind, busy, children, type = "button", ...rest }) {
  return html`<button type=${type} ...${rest} class=${classes("button", kind, rest.class)}
    disabled=${rest.disabled || busy} aria-busy=${busy ? "true" : undefined}>${children}</button>`;
}

/**
 * Field is a label with a control, a hint and an error. The control is an input unless children is a function, which
 * gets the attributes of the control: <Field label="Spec">${(a) => html`<select ...${a}>…</select>`}<//>.
 * @param {{label: string, hint?: any, error?: string, children?: (attributes: object) => any}} props
 */
export function Field({ label, hint, error, children, ...rest }) {
  const id = useId();
  const described = classes(hint && id + "-hint", error && id + "-error") || undefined;
  const attributes = { id, "aria-describedby": described, "aria-invalid": error ? "true" : undefined, ...rest };
  const control = [children].flat().find((c) => typeof c === "function");
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${control ? control(attributes) : html`<input autocomplete="off" spellcheck=${false} ...${attributes} />`}
    ${hint && html`<p class="hint" id=${id + "-hint"}>${hint}</p>`}
    ${error && html`<p class="error" id=${id + "-error"}>${error}</p>`}
  </div>`;
}

/**
 * Select is a Field with options.
 * @param {{label: string, options: (string|[value: string, text: string])[]}} props
 */
export function Select({ options, value, ...rest }) {
  return html`<${Field} ...${rest}>${(attributes) => html`<select ...${attributes}>
    ${options.map((o) => [o].flat()).map(([v, text = v]) =>
      html`<option value=${v} selected=${v === value}>${text}</option>`)}
  </select>`}<//>`;
}

/**
 * Table is a table that scrolls sideways on narrow screens.
 * @param {object} props
 * @param {string} props.caption for people who do not see the page
 * @param {{head: any, cell: (row: any) => any, class?: string}[]} props.columns
 * @param {any[]} props.rows
 * @param {(row: any) => string} props.keyOf
 */
export function Table({ caption, columns, rows, keyOf }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}><table>
    <caption class="hidden">${caption}</caption>
    <thead><tr>${columns.map((c) => html`<th scope="col" class=${c.class}>${c.head}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr key=${keyOf(row)}>${columns.map((c) =>
      html`<td class=${c.class}>${c.cell(row)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/**
 * Facts is a list of names and values. Values that are undefined are left out.
 * @param {{of: [name: string, value: any][]}} props
 */
export function Facts({ of }) {
  return html`<dl class="facts">${of.filter(([, value]) => value !== undefined && value !== null && value !== false)
    .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/**
 * Time shows a time in the time zone of the browser and in UTC.
 * @param {{at: number|undefined}} props in seconds since 1970; undefined shows nothing
 */
export function Time({ at }) {
  if (at === undefined || at === null) return null;
  const date = new Date(at * 1000);
  const utc = date.toISOString();
  const shown = `${utc.slice(0, 10)} ${utc.slice(11, 16)} UTC`;
  const there = localTime(date);
  return html`<time datetime=${utc}>${there}${there === shown ? "" : html` <span class="utc">${shown}</span>`}</time>`;
}

function localTime(date) {
  const two = (n) => String(n).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const zone = offset === 0 ? "UTC" : "";
  const text = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}`;
  return zone ? `${text} ${zone}` : text;
}

/** Copy is a button that copies a text. */
export function Copy({ text, label = "Copy" }) {
  const [said, say] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      say("The browser refused");
    }
    setTimeout(() => say(""), 2000);
  };
  return html`<button type="button" class="copy" onClick=${copy} aria-label=${label} title=${label}>Copy</button>
    <span class="said" role="status">${said}</span>`;
}

/** Id is a text that names something, with a button that copies it: label says what the button copies. */
export function Id({ of, label }) {
  return html`<code>${of}</code> <${Copy} text=${of} label=${label} />`;
}

/** Code is a text in a box, with a button that copies it. */
export function Code({ text, label = "Copy this text" }) {
  return html`<div class="code"><pre tabindex="0">${text}</pre><${Copy} text=${text} label=${label} /></div>`;
}

/** Badge is a short word with a colour: kind is "good", "warn", "bad" or nothing. */
export function Badge({ kind, children }) {
  return html`<span class=${classes("badge", kind)}>${children}</span>`;
}

const kinds = { Enabled: "good", Disabled: "warn", PendingImport: "warn", PendingDeletion: "bad",
  PendingReplicaDeletion: "bad", Unavailable: "bad" };

/** State shows the state of a key. */
export function State({ of }) {
  return html`<${Badge} kind=${kinds[of]}>${of}<//>`;
}

/**
 * Dialog is a window over the page. Escape closes it, and the focus returns to where it was.
 * @param {{title: string, open: boolean, onClose: () => void, children: any}} props
 */
export function Dialog({ title, open, onClose, children }) {
  const box = useRef(null);
  const id = useId();
  useEffect(() => {
    if (open && !box.current.open) box.current.showModal();
    if (!open && box.current?.open) box.current.close();
  }, [open]);
  return html`<dialog ref=${box} aria-labelledby=${id} onClose=${onClose}>
    <h2 id=${id}>${title}</h2>${open && children}
  </dialog>`;
}

/**
 * Tabs shows one of several parts of a page. Each is an address of its own.
 * @param {{label: string, of: [name: string, title: string, address: string][], current: string}} props
 */
export function Tabs({ label, of, current }) {
  return html`<nav class="tabs" aria-label=${label}>${of.map(([name, title, address]) =>
    html`<a href=${address} aria-current=${name === current ? "page" : undefined}>${title}</a>`)}</nav>`;
}
