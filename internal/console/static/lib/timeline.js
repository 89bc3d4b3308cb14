// Draws the life of the materials of a key.

import { html } from "./dom.js";
import { Time } from "./parts.js";

const [width, row, left] = [640, 26, 8];

/**
 * spans returns the bar of each material: when it became current, or now if it waits, and when it ends or now.
 * @param {object[]} materials of ListKeyRotations
 * @param {number} begun when the key was created, in seconds
 * @param {number} now in seconds
 * @returns {{id: string, state: string, from: number, to: number, ends: number|undefined}[]} in the order of time
 */
export function spans(materials, begun, now) {
  return materials.map((m) => ({
    id: m.KeyMaterialId, state: m.KeyMaterialState, ends: m.ValidTo, from: m.RotationDate ?? (waits(m) ? now : begun),
    to: m.ValidTo ?? now,
  })).sort((a, b) => a.from - b.from);
}

const waits = (m) => m.KeyMaterialState.startsWith("PENDING");

/** @param {{of: object[], begun: number, now: number}} props */
export function Timeline({ of, begun, now }) {
  const all = spans(of, begun, now).slice(-20);
  const first = Math.min(...all.map((s) => s.from));
  const last = Math.max(now, ...all.map((s) => s.to)) + 1;
  const x = (at) => left + ((width - 2 * left) * (at - first)) / (last - first);
  const height = row * all.length + 8;
  return html`<figure class="plot"><figcaption>When each material became current, and until when the server keeps it</figcaption>
    <svg viewBox="0 0 ${width} ${height}" aria-hidden="true" focusable="false">
      <g class="axes"><line x1=${x(now)} x2=${x(now)} y1="0" y2=${height} /></g>
      ${all.map((s, i) => html`<rect class=${"bar " + (s.state === "CURRENT" ? "series0" : "other")} x=${x(s.from)}
        y=${i * row + 6} height="16" width=${Math.max(3, x(s.to) - x(s.from))} rx="3" />`)}
    </svg>
    <ol>${all.map((s) => html`<li><code>${s.id.slice(0, 16)}…</code> ${s.state}, since <${Time} at=${s.from} />,
      ${s.ends ? html` until <${Time} at=${s.ends} />` : " does not expire"}</li>`)}</ol>
  </figure>`;
}
