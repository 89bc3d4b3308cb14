// The first page after signing in.

import { html } from "../lib/dom.js";
import { table } from "./index.js";

export default function Overview() {
  return html`<h1>Overview</h1>
    <ul class="cards">${table.filter((row) => row.group !== "-").map((row) =>
      html`<li><a href=${"#/" + row.path}>${row.title}</a></li>`)}</ul>`;
}
