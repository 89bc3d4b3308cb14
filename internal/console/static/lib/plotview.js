// Draws small plots, each with a table of the same values for people who do not see the plot.
import { html } from "./dom.js";
import { labelled, layout, linePath, margin, short } from "./plot.js";

const [width, height] = [640, 200];

/**
 * @typedef {{title: string, labels: string[], series: {name: string, values: (number | null)[]}[],
 *   kind: "bars" | "lines", format?: (value: number) => string, whole?: boolean}} PlotProps
 *   labels has the name of each column, such as a month; format writes a value with its unit
 */

/**
 * A plot of one or more series over common columns.
 * @param {PlotProps} props
 */
export function Plot({ title, labels, series, kind, format = short, whole = false }) {
  const places = layout({ width, height, values: series.map((s) => s.values), whole });
  return html`<figure class="plot">
    <figcaption>${title}</figcaption>
    <svg viewBox="0 0 ${width} ${height}" aria-hidden="true" focusable="false">
      <${Axes} places=${places} labels=${labels} format=${format} />
      ${series.map((s, i) => (kind === "bars"
        ? html`<${Bars} values=${s.values} places=${places} order=${i} />`
        : html`<path class="line series${i}" d=${linePath(s.values, places)} />`))}
    </svg>
    ${series.length > 1 && html`<${Legend} series=${series} />`}
    <${Values} title=${title} labels=${labels} series=${series} format=${format} />
  </figure>`;
}

function Axes({ places, labels, format }) {
  return html`<g class="axes">
    ${places.ticks.map((t) => html`<line x1=${margin.left} x2=${width - margin.right} y1=${t.at} y2=${t.at} />
      <text x=${margin.left - 6} y=${t.at + 4} text-anchor="end">${format(t.value)}</text>`)}
    ${labelled(labels.length, places.step, 64).map((i) => html`
      <text x=${places.x(i)} y=${height - 8} text-anchor="middle">${labels[i]}</text>`)}
  </g>`;
}

function Bars({ values, places, order }) {
  const wide = Math.max(places.step * 0.7, 1);
  return values.map((v, i) => (v ? html`<rect class="bar series${order}" width=${wide} height=${places.base - places.y(v)}
    x=${places.x(i) - wide / 2} y=${places.y(v)} />` : null));
}

const Legend = ({ series }) => html`<ul class="legend">
  ${series.map((s, i) => html`<li class="series${i}">${s.name}</li>`)}
</ul>`;

function Values({ title, labels, series, format }) {
  return html`<details class="values">
    <summary>Values as a table</summary>
    <table>
      <caption class="hidden">${title}</caption>
      <thead><tr><th scope="col">Time</th>${series.map((s) => html`<th scope="col">${s.name}</th>`)}</tr></thead>
      <tbody>${labels.map((label, i) => html`<tr><th scope="row">${label}</th>
        ${series.map((s) => html`<td>${s.values[i] === null ? "–" : format(s.values[i])}</td>`)}</tr>`)}
      </tbody>
    </table>
  </details>`;
}
