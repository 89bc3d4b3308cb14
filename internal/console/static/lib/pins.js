// Keeps the verifier keys of audit logs that the user has pinned. They are public, and stay in this browser.

const prefix = "keyhold.verifier-key.";

/**
 * Returns the pinned verifier key of a log, or null.
 * @param {string} origin of the log
 * @param {Storage} [storage]
 * @returns {string | null}
 */
export function pinned(origin, storage = localStorage) {
  try {
    return storage.getItem(prefix + origin);
  } catch {
    return null; // the browser keeps nothing
  }
}

/**
 * Pins a verifier key, or removes the pin.
 * @param {string} origin of the log
 * @param {string | null} key ORIGIN+ID+KEY
 * @param {Storage} [storage]
 * @returns {boolean} whether the browser keeps it
 */
export function pin(origin, key, storage = localStorage) {
  try {
    if (key === null) storage.removeItem(prefix + origin);
    else storage.setItem(prefix + origin, key);
    return true;
  } catch {
    return false;
  }
}
