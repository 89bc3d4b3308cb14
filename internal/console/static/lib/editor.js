// An editor for policy documents: a text area over a coloured copy of its text.
import { html, useRef } from "./dom.js";
import { Button } from "./parts.js";
import { firstError, format, pieces } from "./policydoc.js";

/**
 * @param {{id: string, label: string, text: string, onText: (text: string) => void, readOnly?: boolean,
 *   refused?: import("./policydoc.js").Problem | null}} props refused is the error that the server found in this text
 */
export function Editor({ id, label, text, onText, readOnly = false, refused = null }) {
  const area = useRef(null);
  const error = firstError(text) ?? refused;
  const go = () => {
    area.current.focus();
    area.current.setSelectionRange(error.at, Math.min(error.at + 1, text.length));
  };
  return html`<div class="editor">
    <label for=${id}>${label}</label>
    <div class="lines">
      <pre class="numbers" aria-hidden="true">${text.split("\n").map((_, i) => i + 1).join("\n")}</pre>
      <div class="both">
        <${Coloured} text=${text} error=${error} />
        <textarea id=${id} ref=${area} value=${text} readonly=${readOnly} spellcheck=${false} autocomplete="off" wrap="off"
          rows=${text.split("\n").length} aria-invalid=${error ? "true" : undefined} aria-describedby=${`${id}-error`}
          onInput=${(e) => onText(e.target.value)}></textarea>
      </div>
    </div>
    <p id=${`${id}-error`} class="problem" role="status">${error && html`
      <strong>Line ${error.line}, column ${error.column}:</strong> ${error.problem}
      ${" "}<${Button} kind="plain" onClick=${go}>Go to the error<//>`}</p>
    ${!readOnly && html`<${Button} disabled=${firstError(text) !== null} onClick=${() => onText(format(text))}>Format<//>`}
  </div>`;
}

/** Colours are for documents of ordinary size; a longer one stays plain, so that each key press stays fast. */
const mostColoured = 64 << 10;

function Coloured({ text, error }) {
  const all = text.length > mostColoured ? [{ text, kind: "other" }] : pieces(text, error);
  return html`<pre class="coloured" aria-hidden="true">${all.map((p) => (p.kind === "space" ? p.text
      : html`<span class=${`${p.kind}${p.wrong ? " wrong" : ""}`}>${p.text}</span>`))}${"\n"}</pre>`;
}
