import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import test from "node:test";

const root = new URL("../../internal/console/static/", import.meta.url);
const modules = readdirSync(root, { recursive: true }).filter((name) => name.endsWith(".js") && name !== "app.js");

test("every module of the console can be parsed, and imports only what other modules export", async () => {
  assert.ok(modules.length > 30, `${modules.length} modules`);
  for (const name of modules) await assert.doesNotReject(import(new URL(name, root)), name);
});
