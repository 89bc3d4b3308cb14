// Requests to the API of the server, signed by the session.

import { sign } from "./sign.js";

const timeout = 60_000; // milliseconds
const stsVersion = "2011-06-15";

/** An ApiError is a refusal of the server, or the reason why it did not answer. */
export class ApiError extends Error {
  /** @param {{name: string, message: string, requestId?: string, status?: number, remedy?: {why: string, do: string}}} e */
  constructor({ message, ...rest }) {
    super(message);
    Object.assign(this, rest);
  }
}

/**
 * connect returns the API for a signer.
 * @param {object} c
 * @param {import("./sign.js").Signer & {region: string}} c.signer a Session, or what begins one
 * @param {{code: string, part: string, why: string, do: string}[]} c.remedies
 * @param {() => Date} c.now the time of the server
 * @param {(error: ApiError) => void} [c.onExpired] is called when the server says that the session has ended
 */
export function connect({ signer, remedies, now, onExpired }) {
  async function post(service, headers, body, { region = signer.region, unsigned, signal } = {}) {
    const request = { host: location.host, region, service, headers, body, date: now() };
    const all = unsigned ? headers : await sign(signer, request);
    const signals = [AbortSignal.timeout(timeout), ...(signal ? [signal] : [])];
    let answer, text;
    try {
      answer = await fetch("/", {
        method: "POST", headers: all, body, credentials: "omit", cache: "no-store", redirect: "error",
        signal: AbortSignal.any(signals),
      });
      text = await answer.text();
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new ApiError({
        name: "Unreachable", message: "The server did not answer.",
        remedy: remedyOf(remedies, "Unreachable", ""),
      });
    }
    return { answer, text };
  }

  function refuse({ name, message, answer }) {
    const error = new ApiError({
      name, message, status: answer.status, requestId: answer.headers.get("x-amzn-requestid") ?? undefined,
      remedy: remedyOf(remedies, name, message),
    });
    if (/^ExpiredToken/.test(name)) onExpired?.(error);
    throw error;
  }

  /**
   * call carries out an operation of KMS, as "ListKeys", or of Keyhold, as "KeyholdAdmin.Status".
   * @param {string} target
   * @param {object} [body]
   * @param {{region?: string, signal?: AbortSignal}} [options]
   * @returns {Promise<any>} the answer; times are seconds since 1970, binary values are base64
   */
  async function call(target, body = {}, options) {
    const { answer, text } = await post("kms", {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": target.includes(".") ? target : "TrentService." + target,
    }, JSON.stringify(body), options);
    const value = parseJSON(text);
    if (answer.ok && value !== undefined) return value;
    const name = value?.__type?.split("#").pop();
    return refuse({ answer, name: name ?? "UnknownError", message: value?.message ?? `HTTP status ${answer.status}` });
  }

  /**
   * pages yields the lists of all pages of an operation.
   * @param {string} target
   * @param {object} body
   * @param {string} list the member of the answers that has the list
   * @param {{region?: string, signal?: AbortSignal}} [options]
   */
  async function* pages(target, body, list, options) {
    for (let marker; ;) {
      const answer = await call(target, marker ? { ...body, Marker: marker } : body, options);
      yield answer[list] ?? [];
      if (!answer.Truncated) return;
      marker = answer.NextMarker;
    }
  }

  /** all returns the lists of all pages as one, of at most `most` elements. */
  async function all(target, body, list, { most = 10_000, ...options } = {}) {
    const found = [];
    for await (const page of pages(target, body, list, options)) {
      found.push(...page);
      if (found.length >= most) break;
    }
    return found;
  }

  /**
   * sts carries out an operation of STS.
   * @param {string} action
   * @param {Record<string, string>} parameters
   * @param {{unsigned?: boolean, region?: string}} [options]
   * @returns {Promise<Record<string, string>>} the innermost elements of the answer by their names
   */
  async function sts(action, parameters, options) {
    const body = new URLSearchParams({ Action: action, Version: stsVersion, ...parameters }).toString();
    const { answer, text } = await post("sts", { "content-type": "application/x-www-form-urlencoded" }, body, options);
    const values = elements(text);
    if (answer.ok) return values;
    return refuse({ answer, name: values.Code ?? "UnknownError", message: values.Message ?? `HTTP status ${answer.status}` });
  }

  return { call, pages, all, sts, signer, now };
}

/**
 * remedyOf returns the cause and the remedy of an error, from the table of the command-line program.
 * @returns {{why: string, do: string}|undefined}
 */
export function remedyOf(remedies, name, message) {
  const found = remedies.find((r) => nameOf(r.code) === nameOf(name) && message.includes(r.part));
  return found && { why: found.why, do: found.do };
}

/** nameOf makes the names of an error in KMS and in STS equal. */
function nameOf(code) {
  const names = { SignatureDoesNotMatch: "InvalidSignature", InvalidClientTokenId: "UnrecognizedClient",
    ValidationError: "Validation", Throttling: "Throttling" };
  return names[code] ?? code.replace(/Exception$/, "");
}

function parseJSON(text) {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const entities = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/**
 * elements returns the text of the innermost elements of XML by their names. The parser of the browser is not used,
 * because it makes markup from text, which Trusted Types forbid.
 */
export function elements(xml) {
  const found = {};
  for (const [, name, text] of xml.matchAll(/<(\w+)>([^<]*)<\/\1>/g)) {
    found[name] ??= text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, entity) =>
      entity ? entities[entity] ?? whole : String.fromCodePoint(parseInt(hex ?? decimal, hex ? 16 : 10)));
  }
  return found;
}
