// What pages need to show something. All markup is made by html, which creates elements and never parses text, so the
// page works under Trusted Types without any policy.

import { Component, Fragment, h, render } from "../vendor/preact.js";
import htm from "../vendor/htm.js";

export { useCallback, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useRef, useState }
  from "../vendor/hooks.js";
export { Component, Fragment, h, render };

/** html makes elements from a template: html`<p class="note">${text}</p>`. Text in ${} stays text. */
export const html = htm.bind(h);

/**
 * download lets the browser save a file.
 * @param {string} name the proposed name of the file
 * @param {BlobPart} content
 * @param {string} [type] the media type
 */
export function download(name, content, type = "application/octet-stream") {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/**
 * classes joins the names of classes that are not empty.
 * @param {...(string|false|undefined)} names
 */
export function classes(...names) {
  return names.filter(Boolean).join(" ");
}
