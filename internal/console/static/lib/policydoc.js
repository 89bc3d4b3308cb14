// Reads policy documents as the editor needs them: tokens with their places, and the first error.

/**
 * @typedef {{at: number, end: number, kind: "name"|"string"|"number"|"word"|"mark"|"space"|"other"}} Token
 *   at and end are offsets of UTF-16 code units
 * @typedef {{at: number, line: number, column: number, problem: string}} Problem line and column start from 1; a
 *   column is a character, as in the errors of the server
 */

const forms = [
  ["space", /[ \t\r\n]+/y],
  ["string", /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y],
  ["number", /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9A-Za-z.])/y],
  ["word", /(?:true|false|null)(?![0-9A-Za-z])/y],
  ["mark", /[{}[\],:]/y],
  ["other", /"[^"\n]*"?|[^\s"{}[\],:]+|[^]/y],
];

/**
 * Splits a text into tokens. All tokens together are the text. The name of a member has the kind "name".
 * @param {string} text
 * @returns {Token[]}
 */
export function tokenize(text) {
  const all = [];
  let before = null; // the last string, if only space follows it
  for (let at = 0; at < text.length; ) {
    const token = next(text, at);
    if (token.kind === "mark" && text[at] === ":" && before) before.kind = "name";
    if (token.kind !== "space") before = token.kind === "string" ? token : null;
    all.push(token);
    at = token.end;
  }
  return all;
}

function next(text, at) {
  for (const [kind, form] of forms) {
    form.lastIndex = at;
    const found = form.exec(text);
    if (found) return { at, end: at + found[0].length, kind };
  }
  throw new Error("unreachable: the last form matches everything");
}

/**
 * Returns the line and column of an offset.
 * @param {string} text
 * @param {number} at
 * @returns {{line: number, column: number}}
 */
export function placeOf(text, at) {
  const before = text.slice(0, at);
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: [...before.slice(start)].length + 1 };
}

/**
 * Returns the offset of a line and column, or the end of the line if the line is shorter.
 * @param {string} text
 * @param {number} line
 * @param {number} column
 * @returns {number}
 */
export function offsetOf(text, line, column) {
  const lines = text.split("\n");
  if (line > lines.length) return text.length;
  const start = lines.slice(0, line - 1).reduce((n, l) => n + l.length + 1, 0);
  return start + [...lines[line - 1]].slice(0, column - 1).join("").length;
}

/**
 * Returns the first error of the JSON of a text, or null.
 * @param {string} text
 * @returns {Problem | null}
 */
export function firstError(text) {
  const reader = { text, tokens: tokenize(text).filter((t) => t.kind !== "space"), at: 0 };
  try {
    readValue(reader, 0);
    if (peek(reader)) fail(reader, "There is text after the end of the document.");
  } catch (e) {
    if (e instanceof Unreadable) return { at: e.at, ...placeOf(text, e.at), problem: e.message };
    throw e;
  }
  return null;
}

class Unreadable extends Error {
  constructor(at, problem) {
    super(problem);
    this.at = at;
  }
}

const peek = (r) => r.tokens[r.at];
const textOf = (r, token) => r.text.slice(token.at, token.end);

function fail(r, problem) {
  const here = peek(r);
  throw new Unreadable(here?.at ?? r.text.trimEnd().length, here ? problem : "The document ends too early.");
}

/** Reads a mark if it is the next token, and reports whether it was. */
function took(r, mark) {
  const here = peek(r);
  if (here?.kind !== "mark" || textOf(r, here) !== mark) return false;
  r.at++;
  return true;
}

const deepest = 100; // no policy nests deeper than 8

function readValue(r, depth) {
  if (depth > deepest) fail(r, "The document is nested too deep.");
  if (took(r, "{")) return readMembers(r, depth + 1);
  if (took(r, "[")) return readElements(r, depth + 1);
  const here = peek(r);
  if (!here || !["string", "number", "word"].includes(here.kind)) fail(r, problemOf(r, here));
  r.at++;
}

function problemOf(r, token) {
  if (!token) return "";
  const text = textOf(r, token);
  if (token.kind === "other" && text[0] === '"') return "The string does not end, or has a character that needs \\.";
  return `A value is expected here, not ${text.slice(0, 20)}`;
}

function readMembers(r, depth) {
  const names = new Set();
  if (took(r, "}")) return;
  do {
    const here = peek(r);
    if (here?.kind === "other" && textOf(r, here)[0] === '"') fail(r, problemOf(r, here));
    if (here?.kind !== "name" && here?.kind !== "string") fail(r, "The name of a member is expected here, in double quotes.");
    const name = JSON.parse(textOf(r, here));
    if (names.has(name)) fail(r, `The member "${name}" is there twice.`);
    names.add(name);
    r.at++;
    if (!took(r, ":")) fail(r, "A colon is expected here.");
    readValue(r, depth);
  } while (took(r, ","));
  if (!took(r, "}")) fail(r, "A comma or } is expected here.");
}

function readElements(r, depth) {
  if (took(r, "]")) return;
  do readValue(r, depth);
  while (took(r, ","));
  if (!took(r, "]")) fail(r, "A comma or ] is expected here.");
}

/**
 * Returns the error and the place in a message of the server, such as "The key policy is malformed: line 3, column 5:
 * Effect is neither Allow nor Deny", or null.
 * @param {string} message
 * @param {string} text the document that the message is about
 * @returns {Problem | null}
 */
export function errorOf(message, text) {
  const [, line, column, problem] = /\bline (\d+), column (\d+): ([^]*)$/.exec(message) ?? [];
  if (!line) return null;
  return { at: offsetOf(text, Number(line), Number(column)), line: Number(line), column: Number(column), problem };
}

/**
 * Returns the pieces of a text, each with its kind. The piece at or after the error is marked.
 * @param {string} text
 * @param {Problem | null} error
 * @returns {{text: string, kind: Token["kind"], wrong: boolean}[]}
 */
export function pieces(text, error) {
  const all = tokenize(text).map((t) => ({ text: text.slice(t.at, t.end), kind: t.kind, wrong: false, end: t.end }));
  if (!error) return all;
  const at = all.find((p) => p.kind !== "space" && p.end > error.at);
  if (at) at.wrong = true;
  else all.push({ text: " ", kind: "other", wrong: true, end: text.length });
  return all;
}

/**
 * Returns a document with an indentation of two spaces, or the same text if it is not JSON. Strings and numbers stay
 * as they are written.
 * @param {string} text
 * @returns {string}
 */
export function format(text) {
  if (firstError(text)) return text;
  const words = tokenize(text).filter((t) => t.kind !== "space").map((t) => text.slice(t.at, t.end));
  let depth = 0;
  const line = () => "\n" + "  ".repeat(depth);
  return words.map((word, i) => {
    const [before, after] = [words[i - 1], words[i + 1]];
    const opens = word === "{" || word === "[";
    const closes = word === "}" || word === "]";
    if (opens) depth++;
    if (closes) depth--;
    if (opens) return word + (after === "}" || after === "]" ? "" : line());
    if (closes) return (before === "{" || before === "[" ? "" : line()) + word;
    if (word === ",") return word + line();
    return word === ":" ? ": " : word;
  }).join("");
}
