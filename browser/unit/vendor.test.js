import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path) => readFileSync(new URL(path, import.meta.url), "utf8");
const ours = (name) => read("../../internal/console/static/vendor/" + name);
const theirs = (path) => read("../node_modules/" + path)
  .replace('from"preact"', 'from"./preact.js"').replace(/^\/\/# sourceMappingURL=.*\n/m, "");

for (const [name, path] of [
  ["preact.js", "preact/dist/preact.mjs"],
  ["hooks.js", "preact/hooks/dist/hooks.mjs"],
  ["htm.js", "htm/dist/htm.mjs"],
  ["preact-licence.txt", "preact/LICENSE"],
  ["htm-licence.txt", "htm/LICENSE"],
]) {
  test(`${name} is ${path} of the package`, () => assert.equal(ours(name), theirs(path)));
}
