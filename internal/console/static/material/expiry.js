// When imported key material expires. Times are in seconds since 1970.

const day = 86400;

/** The longest validity of imported key material that the API allows. */
export const maxValidity = 365 * day;

/**
 * Reads the value of a field of date and time, which is in the time zone of the browser.
 * @param {string} text as "2030-01-31T12:00" @returns {number|undefined}
 */
export function readLocal(text) {
  const milliseconds = new Date(text).getTime();
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}

/** Returns the text of a field of date and time. @param {number} at @returns {string} as "2030-01-31T12:00" */
export function localText(at) {
  const date = new Date(at * 1000);
  const two = (n) => String(n).padStart(2, "0");
  const days = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${days}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Returns the time after a number of days. @param {number} now @param {number} days */
export const inDays = (now, days) => now + days * day;

/**
 * Returns why an expiry is not possible, or "".
 * @param {number|undefined} at @param {number} now by the clock of the server
 */
export function problemOf(at, now) {
  if (at === undefined) return "Choose the date and the time of the expiry.";
  if (at <= now) return "This time has passed. Choose a later time.";
  return at > now + maxValidity ? "Imported key material is valid for at most 365 days. Choose an earlier time." : "";
}

/** Returns the members of ImportKeyMaterial. @param {number|null} at null for no expiry */
export function membersOf(at) {
  if (at === null) return { ExpirationModel: "KEY_MATERIAL_DOES_NOT_EXPIRE" };
  return { ExpirationModel: "KEY_MATERIAL_EXPIRES", ValidTo: at };
}
