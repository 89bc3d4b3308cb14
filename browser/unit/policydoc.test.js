import assert from "node:assert/strict";
import test from "node:test";
import { errorOf, firstError, format, offsetOf, pieces, placeOf, tokenize } from "../../internal/console/static/lib/policydoc.js";

const policy = `{"Version": "2012-10-17",\n "Statement": [{"Effect": "Allow", "Action": ["kms:*"], "Resource": "*"}]}`;

test("the tokens are the whole text", () => {
  for (const text of [policy, "", "{", '"a\nb"', "\u{1f511}\u0000", '{"a": 01, tru: nul}', "  ", '"\\u12"']) {
    assert.equal(tokenize(text).map((t) => text.slice(t.at, t.end)).join(""), text);
  }
});

test("a valid document has no error, and JSON.parse agrees", () => {
  for (const text of [policy, "{}", "[]", "1", "-0.5e+3", "null", '""', ' {"a": [1, {"b": []}]} ', '"\\u00e9\\n"']) {
    assert.equal(firstError(text), null, text);
    JSON.parse(text);
  }
});

for (const [text, line, column, problem] of [
  ["", 1, 1, /too early/],
  ['{"a": 1', 1, 8, /too early/],
  ['{"a": 1,}', 1, 9, /name of a member/],
  ["{a: 1}", 1, 2, /name of a member/],
  ['{"a" 1}', 1, 6, /colon/],
  ['{"a": 1\n "b": 2}', 2, 2, /comma or }/],
  ['["a" "b"]', 1, 6, /comma or ]/],
  ["[1,]", 1, 4, /value/],
  ['{"a": tru}', 1, 7, /value/],
  ['{"a": 01}', 1, 7, /value/],
  ['{"a": "b\n"}', 1, 7, /string does not end/],
  ['{"a": 1, "a": 2}', 1, 10, /twice/],
  ['{"a": 1, "\\u0061": 2}', 1, 10, /twice/],
  ["{} {}", 1, 4, /after the end/],
  ['{"\u{1f511}\u{1f511}": x}', 1, 8, /value/],
  ["[".repeat(102), 1, 102, /too deep/],
]) {
  test(`the error of ${JSON.stringify(text.slice(0, 20))}`, () => {
    const found = firstError(text);
    assert.deepEqual([found.line, found.column], [line, column]);
    assert.match(found.problem, problem);
    if (!problem.source.includes("twice") && !problem.source.includes("deep")) assert.throws(() => JSON.parse(text));
  });
}

test("random changes of a policy are errors exactly where JSON.parse refuses them", () => {
  let seed = 1;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let i = 0; i < 3000; i++) {
    const at = random(policy.length);
    const text = policy.slice(0, at) + ['"', "{", "]", ",", ":", "0", "\\", "x", ""][random(9)] + policy.slice(at + random(2));
    let parses = true;
    try { JSON.parse(text); } catch { parses = false; }
    const error = firstError(text);
    if (error && /twice/.test(error.problem)) continue;
    assert.equal(error === null, parses, text);
  }
});

test("places and offsets belong together", () => {
  const text = "ab\n\u{1f511}d\n\nx";
  for (const at of [0, 1, 2, 3, 5, 6, 7, 8, 9]) {
    const { line, column } = placeOf(text, at);
    assert.equal(offsetOf(text, line, column), at);
  }
  assert.equal(offsetOf(text, 99, 1), text.length);
  assert.equal(offsetOf(text, 1, 99), 2);
});

test("the place in a message of the server", () => {
  const text = '{"a":\n "b"}';
  assert.deepEqual(errorOf("The key policy is malformed: line 2, column 2: Effect is neither\nAllow", text), {
    at: 7, line: 2, column: 2, problem: "Effect is neither\nAllow",
  });
  assert.equal(errorOf("The new key policy will not allow you to update the key policy in the future.", text), null);
});

test("the piece at the error is marked, or the next one, or the end", () => {
  const wrong = (text, at) => pieces(text, { at }).filter((p) => p.wrong).map((p) => p.text);
  assert.deepEqual(wrong('{"a": tru}', 6), ["tru"]);
  assert.deepEqual(wrong('  {"a": 1}', 0), ["{"]);
  assert.deepEqual(wrong('{"a": 1', 7), [" "]);
  assert.equal(pieces(policy, null).some((p) => p.wrong), false);
});

test("formatting keeps the value, the numbers and the strings", () => {
  assert.deepEqual(JSON.parse(format(policy)), JSON.parse(policy));
  assert.equal(format('{"a":[],"b":{},"c":[1e400,"\\u0041"]}'), '{\n  "a": [],\n  "b": {},\n  "c": [\n    1e400,\n    "\\u0041"\n  ]\n}');
  assert.equal(format('{"a": '), '{"a": ');
  assert.equal(format(format(policy)), format(policy));
});
