// Reads lists of many pages, and shows what came so far.

import { useEffect, useRef, useState } from "./dom.js";

const nothing = { items: [], notShown: 0, marker: undefined, last: undefined, reading: true, error: undefined };
const stopped = new DOMException("stopped", "AbortError");

/**
 * usePages reads the pages of an operation one after the other. It begins again when one of deps changes.
 * @param {object} api
 * @param {string} target
 * @param {object} body of the first request
 * @param {{list: string, entry?: (element: any) => any, enough?: number}} how list is the member of the answers that
 *   has the list; entry returns what the page keeps of an element; after `enough` elements the reading pauses
 * @param {unknown[]} deps
 * @returns {{items: any[], notShown: number, last: object|undefined, reading: boolean, whole: boolean,
 *   error: Error|undefined, more: () => void, stop: () => void, again: () => void}} last is the last answer, whole
 *   says that nothing follows
 */
export function usePages(api, target, body, how, deps) {
  const [state, set] = useState(nothing);
  const reader = useRef(null);
  const read = (from) => {
    reader.current?.abort();
    reader.current = new AbortController();
    const { signal } = reader.current;
    const call = (marker) => api.call(target, marker ? after(body, marker) : body, { signal });
    readPages(call, how, from, signal, set);
  };
  useEffect(() => {
    read(nothing);
    return () => reader.current.abort();
  }, deps);
  return {
    ...state, whole: !state.reading && !state.error && !state.marker,
    more: () => read(state), stop: () => reader.current.abort(stopped), again: () => read(nothing),
  };
}

/** after returns the body of the request that goes on at a marker. */
function after({ Newest, FirstIndex, ...body }, Marker) {
  return { ...body, Marker };
}

async function readPages(call, { list, entry = (e) => e, enough = Infinity }, from, signal, set) {
  const found = { ...from, items: from.items.slice(), reading: true, error: undefined };
  const show = (more) => set({ ...found, items: found.items.slice(), ...more });
  const limit = found.items.length + enough;
  let shown = 0;
  try {
    do {
      const page = await call(found.marker);
      found.items.push(...page[list].map(entry));
      found.notShown += page.NotShown ?? 0;
      found.marker = page.Truncated ? page.NextMarker : undefined;
      found.last = page;
      if (Date.now() - shown > 500) {
        show();
        shown = Date.now();
      }
    } while (found.marker && found.items.length < limit);
    show({ reading: false });
  } catch (error) {
    if (signal.aborted && signal.reason !== stopped) return; // another reading has begun, or the page is gone
    show({ reading: false, error: signal.aborted ? undefined : error });
  }
}
