import assert from "node:assert/strict";
import { test } from "node:test";
import { begin, longTerm } from "../../internal/console/static/lib/session.js";
import { sign } from "../../internal/console/static/lib/sign.js";

const credentials = { AccessKeyId: "ASIAEXAMPLE", SecretAccessKey: "a-secret-that-is-nowhere", SessionToken: "token" };

const made = (now, more) => begin(credentials, {
  region: "us-east-1", regions: ["us-east-1", "eu-west-2"], account: "000000000000", arn: "arn:aws:iam::000000000000:root",
  now: Date.parse(now), ...more,
});

const request = (date, region = "us-east-1") => ({ host: "localhost", region, service: "kms", headers: {}, body: "", date: new Date(date) });

test("a session signs as its credentials do, in each of its Regions", async () => {
  const session = await made("2026-11-30T12:00:00Z");
  for (const region of ["us-east-1", "eu-west-2"]) {
    const r = request("2026-11-30T12:30:00Z", region);
    const want = await sign({ ...longTerm(credentials.AccessKeyId, credentials.SecretAccessKey), sessionToken: "token" }, r);
    assert.deepEqual(await sign(session, r), want);
    assert.deepEqual(await sign(session.inRegion("eu-west-2"), r), want);
  }
});

test("a session that crosses midnight signs on both days, and on no other", async () => {
  const session = await made("2026-11-30T23:30:00Z");
  for (const time of ["2026-11-30T23:59:59Z", "2026-12-01T00:20:00Z"]) await sign(session, request(time));
  for (const time of ["2026-12-02T00:00:00Z", "2026-11-29T23:00:00Z"]) {
    await assert.rejects(sign(session, request(time)), /no signing key/);
  }
  await assert.rejects(sign(await made("2026-11-30T12:00:00Z"), request("2026-12-01T00:00:00Z")), /no signing key/);
});

test("nothing of a session shows the secret", async () => {
  const session = await made("2026-11-30T12:00:00Z");
  assert.ok(!JSON.stringify(session).includes(credentials.SecretAccessKey));
  for (const value of Object.values(session)) assert.notEqual(value, credentials.SecretAccessKey);
  const key = await session.key("20261130", "us-east-1", "kms");
  await assert.rejects(crypto.subtle.exportKey("raw", key));
});

test("an ended session signs nothing, nor does the session that it came from", async () => {
  const first = await made("2026-11-30T12:00:00Z");
  const role = await made("2026-11-30T12:00:00Z", { from: first });
  role.end();
  for (const session of [role, first]) {
    await assert.rejects(sign(session, request("2026-11-30T12:00:00Z")), /no signing key/);
  }
});

test("the time that is left counts down to zero", async () => {
  const session = await made("2026-11-30T12:00:00Z", { seconds: 900 });
  assert.equal(session.left(session.ends - 900_000), 900);
  assert.equal(session.left(session.ends + 1), 0);
});
