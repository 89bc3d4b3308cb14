// Reads lines of the audit log, and makes the requests that search it.

/**
 * @typedef {{index: number, line: string | null, event: object | null, time: number | null, name: string,
 *   principal: string, outcome: string, keys: string[], eventId: string, requestId: string}} Row
 *   time is in seconds since 1970; outcome is "success" or the code of an error
 */

const text = (value) => (typeof value === "string" ? value : "");

/**
 * Returns what a list shows of a line. A line that is not an event, or that is too long for a response, has no event.
 * @param {{Index: number, Line?: string}} entry of QueryAudit
 * @returns {Row}
 */
export function rowOf({ Index, Line }) {
  const event = parse(Line);
  const who = event?.userIdentity ?? {};
  const time = Date.parse(text(event?.eventTime)) / 1000;
  const resources = Array.isArray(event?.resources) ? event.resources : [];
  return {
    index: Index, line: Line ?? null, event,
    time: Number.isNaN(time) ? null : time,
    name: text(event?.eventName),
    principal: text(who.arn) || text(who.principalId) || text(who.accessKeyId) || text(who.invokedBy) || text(who.type),
    outcome: event === null ? "" : text(event.errorCode) || "success",
    keys: resources.map((r) => text(r?.ARN)).filter(Boolean),
    eventId: text(event?.eventID), requestId: text(event?.requestID),
  };
}

function parse(line) {
  try {
    const value = JSON.parse(line);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** The number of lines at the end of the log that a search without a time reads. */
export const newest = 10000;

const members = { principal: "Principal", key: "Key", operation: "Operation", outcome: "Outcome", request: "RequestId" };

/**
 * Returns the body of QueryAudit for the conditions of a form.
 * @param {{from?: string, to?: string, principal?: string, key?: string, operation?: string, outcome?: string,
 *   request?: string, whole?: boolean}} form from and to are the values of datetime-local inputs
 * @param {"utc" | "local"} zone of from and to
 * @returns {object}
 */
export function searchOf(form, zone) {
  const body = { Limit: 200 };
  for (const [field, member] of Object.entries(members)) {
    const value = (form[field] ?? "").trim();
    if (value) body[member] = value;
  }
  const [from, to] = [secondsOf(form.from, zone), secondsOf(form.to, zone)];
  if (from !== null) body.StartTime = from;
  if (to !== null) body.EndTime = to;
  if (from === null && to === null && !form.whole) body.Newest = newest;
  return body;
}

/**
 * Returns the time of the value of a datetime-local input, or null.
 * @param {string | undefined} value
 * @param {"utc" | "local"} zone
 * @returns {number | null} seconds since 1970
 */
export function secondsOf(value, zone) {
  if (!value) return null;
  const ms = Date.parse(zone === "utc" ? `${value}Z` : value);
  return Number.isNaN(ms) ? null : ms / 1000;
}
