import assert from "node:assert/strict";
import test from "node:test";
import { newest, rowOf, searchOf, secondsOf } from "../../internal/console/static/lib/events.js";
import { declarationOf, documentsOf, pathOf, withDocument } from "../../internal/console/static/lib/identities.js";
import { pin, pinned } from "../../internal/console/static/lib/pins.js";

process.env.TZ = "America/New_York";

test("a line of an event", () => {
  const line = JSON.stringify({
    eventTime: "2026-11-30T18:33:06.500Z", eventName: "Decrypt", errorCode: "AccessDenied", eventID: "e", requestID: "r",
    userIdentity: { type: "IAMUser", arn: "arn:aws:iam::1:user/a" }, resources: [{ ARN: "arn:aws:kms:x" }, {}],
  });
  const row = rowOf({ Index: 7, Line: line });
  assert.deepEqual([row.index, row.time, row.name, row.principal, row.outcome, row.keys, row.eventId, row.requestId],
    [7, Date.parse("2026-11-30T18:33:06.500Z") / 1000, "Decrypt", "arn:aws:iam::1:user/a", "AccessDenied", ["arn:aws:kms:x"], "e", "r"]);
});

test("lines that are not events", () => {
  for (const Line of [undefined, "", "[]", "null", "1", "{", '"x"']) {
    const row = rowOf({ Index: 1, Line });
    assert.deepEqual([row.event, row.outcome, row.keys, row.time], [null, "", [], null], Line);
  }
  const odd = rowOf({ Index: 1, Line: '{"eventName": 5, "userIdentity": null, "resources": [null, "x"], "errorCode": {}}' });
  assert.deepEqual([odd.name, odd.principal, odd.outcome, odd.keys], ["", "", "success", []]);
});

test("the conditions of a search", () => {
  assert.deepEqual(searchOf({}, "utc"), { Limit: 200, Newest: newest });
  assert.deepEqual(searchOf({ whole: true }, "utc"), { Limit: 200 });
  assert.deepEqual(searchOf({ from: "2026-11-30T10:00", operation: " Decrypt ", key: " " }, "utc"),
    { Limit: 200, StartTime: Date.UTC(2026, 10, 30, 10) / 1000, Operation: "Decrypt" });
  assert.equal(secondsOf("2026-11-30T10:00", "local"), Date.UTC(2026, 10, 30, 15) / 1000);
  assert.equal(secondsOf("x", "local"), null);
});

test("the declaration of what the server shows", () => {
  const shown = {
    Kind: "role", AccountId: "1", Name: "r", Arn: "arn:aws:iam::1:role/a/b/r", Trust: "{}", Enabled: true, Description: "",
    Policies: [{ Name: "p", Document: "d" }], MaxSessionSeconds: 3600, AccessKeys: [], UniqueId: "u",
  };
  const body = declarationOf(shown);
  assert.deepEqual(body, {
    AccountId: "1", Name: "r", Path: "/a/b/", Trust: "{}", MaxSessionSeconds: 3600, Policies: [{ Name: "p", Document: "d" }],
  });
  assert.deepEqual(documentsOf(shown).map((d) => d.title), ["Trust policy", "Policy p"]);
  assert.equal(withDocument(body, { member: "Trust" }, "t").Trust, "t");
  assert.deepEqual(withDocument(body, { member: "Policies", name: "p" }, "x").Policies, [{ Name: "p", Document: "x" }]);
  assert.equal(withDocument(body, { member: "Policies", name: "q" }, "x").Policies.length, 2);
  assert.deepEqual(withDocument(body, { member: "Policies", name: "p" }, null).Policies, []);
  assert.equal(body.Policies[0].Document, "d");
  assert.deepEqual(declarationOf({ Kind: "oidc-provider", AccountId: "1", Name: "h/x", ClientIds: ["c"], Roots: "" }),
    { AccountId: "1", Url: "https://h/x", ClientIds: ["c"] });
  assert.equal(pathOf("arn:aws:iam::1:user/a"), "/");
});

test("a pin is kept for its log, and a browser that keeps nothing says so", () => {
  const kept = new Map();
  const storage = { getItem: (k) => kept.get(k) ?? null, setItem: (k, v) => kept.set(k, v), removeItem: (k) => kept.delete(k) };
  assert.equal(pinned("a", storage), null);
  assert.equal(pin("a", "K", storage), true);
  assert.deepEqual([pinned("a", storage), pinned("b", storage)], ["K", null]);
  pin("a", null, storage);
  assert.equal(pinned("a", storage), null);
  const full = { getItem() { throw new Error(); }, setItem() { throw new Error(); } };
  assert.deepEqual([pinned("a", full), pin("a", "K", full)], [null, false]);
});
