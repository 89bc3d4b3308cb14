import assert from "node:assert/strict";
import { test } from "node:test";
import { elements, remedyOf } from "../../internal/console/static/lib/api.js";
import { link, parse } from "../../internal/console/static/lib/route.js";

test("elements reads the answers of STS", () => {
  const xml = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
    `<Account>000000000000</Account><Arn>arn:aws:iam::000000000000:user/a&amp;b&lt;c&gt;&#34;&#x27;&quot;&apos;</Arn>` +
    `</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>`;
  assert.deepEqual(elements(xml), { Account: "000000000000", Arn: `arn:aws:iam::000000000000:user/a&b<c>"'"'`, RequestId: "r" });
  assert.deepEqual(elements("<html><p>502"), {});
  assert.deepEqual(elements("<a>&unknown;</a>"), { a: "&unknown;" });
});

test("remedyOf finds the first row, and the names of STS", () => {
  const rows = [
    { code: "AccessDeniedException", part: "keyhold:", why: "1", do: "2" },
    { code: "AccessDeniedException", part: "", why: "3", do: "4" },
    { code: "InvalidSignatureException", part: "", why: "5", do: "6" },
  ];
  assert.deepEqual(remedyOf(rows, "AccessDeniedException", "to perform: keyhold:Status"), { why: "1", do: "2" });
  assert.deepEqual(remedyOf(rows, "AccessDenied", "x"), { why: "3", do: "4" });
  assert.deepEqual(remedyOf(rows, "SignatureDoesNotMatch", "x"), { why: "5", do: "6" });
  assert.equal(remedyOf(rows, "Other", ""), undefined);
});

test("parse finds the page of an address", () => {
  const table = [{ path: "" }, { path: "keys" }, { path: "keys/:id" }, { path: "keys/:id/material" }];
  const at = (hash) => {
    const { row, route } = parse(hash, table);
    return [row?.path, route.params, route.query.toString()];
  };
  assert.deepEqual(at(""), ["", {}, ""]);
  assert.deepEqual(at("#/"), ["", {}, ""]);
  assert.deepEqual(at("#/keys?state=Enabled"), ["keys", {}, "state=Enabled"]);
  assert.deepEqual(at(link("keys", "a/b?c#d")), ["keys/:id", { id: "a/b?c#d" }, ""]);
  assert.deepEqual(at("#/keys/%zz/material"), ["keys/:id/material", { id: "%zz" }, ""]);
  assert.deepEqual(at("#/none"), [undefined, {}, ""]);
});
