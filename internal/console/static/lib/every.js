// Repeats something while the page is visible.

import { useEffect } from "./dom.js";

/**
 * useEvery calls run each period while the page is visible, and at once when the page becomes visible again.
 * @param {number} seconds
 * @param {() => void} run
 * @param {boolean} [active] whether it runs at all
 */
export function useEvery(seconds, run, active = true) {
  useEffect(() => {
    if (!active) return undefined;
    let last = Date.now();
    const look = () => {
      if (document.hidden || Date.now() - last < seconds * 1000) return;
      last = Date.now();
      run();
    };
    const timer = setInterval(look, 1000);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [seconds, run, active]);
}
