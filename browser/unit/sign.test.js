import assert from "node:assert/strict";
import { test } from "node:test";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { AwsV4Signer } from "aws4fetch";
import { sign, signingKey } from "../../internal/console/static/lib/sign.js";

const json = "application/x-amz-json-1.1";
const form = "application/x-www-form-urlencoded";

// Requests whose signatures three signers must agree on.
const requests = [
  ["a request of KMS", {}],
  ["a session", { token: "IQoJb3JpZ2luX2VjEJz//////////wEaCXVzLWVhc3QtMSJ=" }],
  ["no target, a form for STS", { service: "sts", headers: { "content-type": form }, body: "Action=GetCallerIdentity&Version=2011-06-15" }],
  ["an empty body", { body: "" }],
  ["a body beyond ASCII", { body: JSON.stringify({ Description: "Schlüssel 🔑 \u0000 \\ \" <script>" }) }],
  ["a large body", { body: "x".repeat(100_000) }],
  ["another Region and port", { region: "eu-central-1", host: "[::1]:4599" }],
  ["a host without a port", { host: "kms.example.org" }],
  ["white space in a header", { headers: { "content-type": "  application/x-amz-json-1.1;   charset=utf-8 " } }],
  ["a secret with every kind of character", { secret: "aZ09+/=ü🔑 " }],
  ["the last second of a year", { date: new Date("2026-12-31T23:59:59.999Z") }],
  ["the first second of a year", { date: new Date("2027-01-01T00:00:00Z") }],
];

function complete(r) {
  return {
    host: "127.0.0.1:4599", region: "us-east-1", service: "kms", body: '{"KeyId":"alias/a"}', id: "AKIAEXAMPLE",
    secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", date: new Date("2026-11-30T18:30:00.250Z"),
    headers: { "content-type": json, "x-amz-target": "TrentService.DescribeKey" }, ...r,
  };
}

function ours(r) {
  const key = (date, region, service) => signingKey(r.secret, date, region, service);
  return sign({ accessKeyId: r.id, sessionToken: r.token, key }, r);
}

async function withAws4fetch(r) {
  const signer = new AwsV4Signer({
    method: "POST", url: `http://${r.host}/`, headers: r.headers, body: r.body, accessKeyId: r.id,
    secretAccessKey: r.secret, sessionToken: r.token, service: r.service, region: r.region, allHeaders: true,
    datetime: r.date.toISOString().replace(/[:-]|\.\d{3}/g, ""),
  });
  return (await signer.sign()).headers.get("authorization");
}

async function withSmithy(r) {
  const signer = new SignatureV4({
    service: r.service, region: r.region, sha256: Sha256, applyChecksum: false,
    credentials: { accessKeyId: r.id, secretAccessKey: r.secret, sessionToken: r.token },
  });
  const signed = await signer.sign({
    method: "POST", protocol: "http:", hostname: r.host, path: "/", query: {}, headers: { ...r.headers, host: r.host }, body: r.body,
  }, { signingDate: r.date });
  return signed.headers.authorization;
}

for (const [name, request] of requests) {
  test(`three signers agree: ${name}`, async () => {
    const r = complete(request);
    const got = await ours(r);
    assert.equal(got.authorization, await withSmithy(r), "@smithy/signature-v4");
    assert.equal(got.authorization, await withAws4fetch(r), "aws4fetch");
    assert.equal(got["x-amz-security-token"], r.token);
  });
}

test("the comparison notices a difference", async () => {
  const r = complete({});
  const got = (await ours(r)).authorization;
  for (const change of [{ body: r.body + " " }, { region: "eu-west-2" }, { service: "sts" }, { secret: "x" }, { host: "localhost" },
    { date: new Date("2026-11-30T18:30:01Z") }, { headers: { ...r.headers, "x-amz-target": "TrentService.Decrypt" } }, { token: "t" }]) {
    assert.notEqual(got, await withSmithy({ ...r, ...change }), JSON.stringify(change));
  }
});

test("the signing key cannot be exported", async () => {
  const key = await signingKey("secret", "20261130", "us-east-1", "kms");
  assert.equal(key.extractable, false);
  await assert.rejects(crypto.subtle.exportKey("raw", key));
});
