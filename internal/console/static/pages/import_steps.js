// The four steps of an import.

import { html, useEffect, useRef } from "../lib/dom.js";

const titles = [
  "Create a key with no key material",
  "Download the public key and import token",
  "Encrypt the key material",
  "Import the key material",
];

/**
 * Steps shows which step is the current one, and its heading. When the step changes, the focus goes to the heading.
 * @param {{current: number, title?: string}} props current is counted from 1, and is 5 when the import is done; title
 *   is a heading instead of the name of the step
 */
export default function Steps({ current, title }) {
  const heading = useRef(null);
  const before = useRef(current > 2 ? 0 : current);
  useEffect(() => {
    if (before.current !== current) heading.current.focus();
    before.current = current;
  }, [current]);
  return html`<ol class="steps" aria-label="Steps of the import">${titles.map(
    (name, i) => html` <li
      aria-current=${i + 1 === current ? "step" : undefined}
      class=${i + 1 < current ? "done" : undefined}
    >
      ${name}${i + 1 < current && html`<span class="hidden"> (done)</span>`}
    </li>`,
  )}</ol>
    <h2 tabindex="-1" ref=${heading}>${title ?? `Step ${current}: ${titles[current - 1]}`}</h2>`;
}
