// Forms whose values are the address of the page, and fields that several pages have.

import { html, useId } from "./dom.js";
import { Field } from "./parts.js";
import { actions } from "./questions.js";

/**
 * goTo returns what handles the submission of a form: the values of the form become the address of a page, so the
 * answer can be kept as a link. Empty values are left out.
 * @param {string} path of the page, such as "explain"
 * @returns {(event: SubmitEvent) => void}
 */
export const goTo = (path) => (event) => {
  event.preventDefault();
  const values = [...new FormData(event.target)].filter(([, value]) => value !== "");
  location.hash = `#/${path}?${new URLSearchParams(values)}`;
};

/** ActionField is a field for an action, with proposals. */
export function ActionField({ value }) {
  const list = useId();
  return html`<${Field} label="Action" name="action" defaultValue=${value ?? ""} list=${list} required hint="such as kms:Decrypt" />
    <datalist id=${list}>${actions.map((a) => html`<option value=${a} />`)}</datalist>`;
}

/** Lines is a field with several lines. */
export function Lines({ rows = 3, ...rest }) {
  return html`<${Field} ...${rest}>${(attributes) =>
    html`<textarea rows=${rows} spellcheck=${false} ...${attributes}></textarea>`}<//>`;
}
