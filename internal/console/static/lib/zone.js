// The choice between UTC and the time zone of the browser.

import { html, useState } from "./dom.js";

/** The name of the time zone of the browser, such as Europe/Berlin. */
export const localZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "local time";

/** useZone returns the chosen zone, "local" or "utc", and what changes it. */
export const useZone = () => useState("local");

/** @param {{zone: "utc" | "local", onZone: (zone: "utc" | "local") => void}} props */
export function ZoneChoice({ zone, onZone }) {
  if (localZone() === "UTC") return null;
  const choice = (value, text) => html`<label><input type="radio" name="zone" value=${value} checked=${zone === value}
    onChange=${() => onZone(value)} /> ${text}</label>`;
  return html`<fieldset class="zone"><legend>Days and months in</legend>
    ${choice("local", localZone())} ${choice("utc", "UTC")}</fieldset>`;
}
