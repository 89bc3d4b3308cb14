// The form that declares an identity.

import { html, useState } from "./dom.js";
import { Denied } from "./denied.js";
import { Editor } from "./editor.js";
import { Lines } from "./forms.js";
import { kindOf } from "./identities.js";
import { Button, Field } from "./parts.js";
import { errorOf, firstError } from "./policydoc.js";
import { pairsOf } from "./questions.js";

const text = { get: (v) => v ?? "", set: (t) => t.trim() || undefined };
const list = { get: (v) => (v ?? []).join("\n"), set: (t) => t.split(/\s+/).filter(Boolean) };
const number = { get: (v) => (v === undefined ? "" : String(v)), set: (t) => (t.trim() === "" ? undefined : Number(t)) };
const tags = {
  get: (v) => (v ?? []).map((t) => `${t.TagKey}=${t.TagValue}`).join("\n"),
  set: (t) => Object.entries(pairsOf(t).pairs).map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
};

const name = { member: "Name", label: "Name", ...text, fixed: true, required: true };
const path = { member: "Path", label: "Path", ...text, hint: "begins and ends with /, such as /staff/; / if empty" };
const attached = [
  { member: "ManagedPolicies", label: "Managed policies", ...list, lines: true, hint: "one name or ARN on each line" },
  { member: "PermissionsBoundary", label: "Permissions boundary", ...text, hint: "the name or ARN of a policy" },
  { member: "Tags", label: "Tags", ...tags, lines: true, hint: "one KEY=VALUE on each line" },
];
const keys = { member: "AccessKeys", label: "Access keys to have at least", ...number, type: "number", min: 0, max: 2 };
const description = { member: "Description", label: "Description", ...text };

/** The fields of each kind. A field with document is a policy document. */
export const fields = {
  user: [name, path, ...attached, keys],
  role: [name, path, description, { member: "Trust", label: "Trust policy", ...text, document: true },
    { member: "MaxSessionSeconds", label: "Longest session in seconds", ...number, type: "number", min: 3600, max: 43200 },
    ...attached],
  policy: [name, { ...path, fixed: true }, description,
    { member: "Document", label: "Policy document", ...text, document: true }],
  "oidc-provider": [
    { member: "Url", label: "URL of the issuer", ...text, fixed: true, required: true, hint: "https://…" },
    { member: "ClientIds", label: "Client IDs", ...list, lines: true, hint: "one on each line" },
    { member: "Roots", label: "Trusted certificates", ...text, lines: true, hint: "PEM; empty for the certificates of the system" }],
  account: [{ member: "AccountId", label: "Account ID", ...text, fixed: true, required: true, hint: "12 digits" },
    { member: "Name", label: "Name", ...text, hint: "for people" }, keys],
};

/** Returns the body of a declaration with the texts of the fields. Other members of the body stay. */
export function bodyOf(kind, body, texts) {
  const changed = fields[kind].map((f) => [f.member, f.set(texts[f.member])]);
  return Object.fromEntries(Object.entries({ ...body, ...Object.fromEntries(changed) }).filter(([, v]) => v !== undefined));
}

/** Returns the texts of the fields of a declaration. */
export const textsOf = (kind, body) => Object.fromEntries(fields[kind].map((f) => [f.member, f.get(body[f.member])]));

/**
 * IdentityForm declares an identity.
 * @param {{api: object, kind: string, body: object, made: boolean, onDone: (answer: object) => void}} props body is the
 *   declaration as it is now; made says that the identity exists
 */
export function IdentityForm({ api, kind, body, made, onDone }) {
  const [texts, setTexts] = useState(() => textsOf(kind, body));
  const [state, set] = useState({});
  const action = kindOf(kind).put;
  const send = async (event, dry) => {
    event.preventDefault();
    set({ busy: true });
    try {
      const answer = await api.call(`KeyholdAdmin.${action}`, { ...bodyOf(kind, body, texts), ...(dry && { DryRun: true }) });
      set({ preview: dry && answer });
      if (!dry) onDone(answer);
    } catch (error) {
      set({ error, texts });
    }
  };
  const change = (member, value) => setTexts({ ...texts, [member]: value });
  const malformed = fields[kind].some((f) => f.document && firstError(texts[f.member]) !== null);
  return html`<form onSubmit=${(e) => send(e, false)}>
    ${fields[kind].map((f) => html`<${Member} key=${f.member} of=${f} text=${texts[f.member]} made=${made}
      refused=${state.texts === texts ? state.error : null} onText=${(t) => change(f.member, t)} />`)}
    ${state.error && html`<${Denied} error=${state.error} action=${`keyhold:${action}`} />`}
    <p role="status">${state.preview && preview(state.preview)}</p>
    <div class="actions">
      <${Button} kind="primary" type="submit" busy=${state.busy} disabled=${malformed}>${made ? "Save" : "Create"}<//>
      <${Button} busy=${state.busy} disabled=${malformed} onClick=${(e) => send(e, true)}>Show what would change<//>
    </div>
  </form>`;
}

function Member({ of, text: value, made, refused, onText }) {
  const onInput = (e) => onText(e.target.value);
  if (of.document) {
    return html`<${Editor} id=${`document-${of.member}`} label=${of.label} text=${value} onText=${onText}
      refused=${refused && errorOf(refused.message, value)} />`;
  }
  const { label, hint, type, min, max, required } = of;
  if (of.lines) return html`<${Lines} label=${label} hint=${hint} value=${value} onInput=${onInput} />`;
  return html`<${Field} ...${{ label, hint, type, min, max, required }} value=${value} readonly=${made && of.fixed}
    onInput=${onInput} />`;
}

function preview({ Change, Members }) {
  if (Change === "none") return "Nothing would change.";
  if (Change === "created") return "The identity would be created.";
  return `These members would change: ${(Members ?? []).join(", ")}.`;
}
