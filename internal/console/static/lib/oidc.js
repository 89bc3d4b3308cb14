// Sign-in by OIDC: authorization code with PKCE (RFC 7636), then AssumeRoleWithWebIdentity.

import { fromBase64, toBase64 } from "./bytes.js";

const pending = "keyhold.sign-in"; // in the storage of the tab, until the issuer sends the user back

const redirectURI = () => location.origin + "/console/";

/**
 * leave sends the user to the issuer.
 * @param {{url: string, clientId: string, origins?: string[]}} issuer
 * @param {{role: string, region: string}} wish what the user wants afterwards
 */
export async function leave(issuer, wish) {
  const found = await discover(issuer);
  const request = { ...wish, issuer: issuer.url, verifier: random(), state: random(), nonce: random(), hash: location.hash };
  sessionStorage.setItem(pending, JSON.stringify(request));
  const query = new URLSearchParams({
    response_type: "code", client_id: issuer.clientId, redirect_uri: redirectURI(), scope: "openid",
    state: request.state, nonce: request.nonce, code_challenge: await challengeOf(request.verifier), code_challenge_method: "S256",
  });
  const address = new URL(found.authorization_endpoint);
  if (!/^https?:$/.test(address.protocol)) throw new Error(`The issuer names the address ${address.protocol} for sign-in.`);
  for (const [name, value] of query) address.searchParams.set(name, value);
  location.assign(address);
}

/** returned reports whether the issuer has sent the user back to this page. */
export function returned() {
  const query = new URLSearchParams(location.search);
  return query.has("state") && (query.has("code") || query.has("error"));
}

/**
 * arrive returns the token of the user whom the issuer sent back, and what the user wanted. It removes the code from
 * the address. A code that this tab did not ask for is refused.
 * @param {{url: string, clientId: string, origins?: string[]}[]} issuers
 * @returns {Promise<{token: string, claims: object, role: string, region: string}>}
 */
export async function arrive(issuers) {
  const query = new URLSearchParams(location.search);
  const request = JSON.parse(sessionStorage.getItem(pending) ?? "null");
  sessionStorage.removeItem(pending);
  history.replaceState(null, "", redirectURI() + (request?.hash ?? ""));
  const issuer = issuers.find((i) => i.url === request?.issuer);
  if (!issuer || query.get("state") !== request.state) {
    throw named("SignInMismatch", "The answer of the issuer does not belong to a sign-in of this tab. Sign in again.");
  }
  if (query.has("error")) {
    throw named("SignInRefused", `The issuer refused the sign-in: ${query.get("error")}. ${query.get("error_description") ?? ""}`);
  }
  const token = await redeem(issuer, query.get("code"), request.verifier);
  const claims = claimsOf(token);
  if (claims.nonce !== request.nonce) throw named("SignInMismatch", "The token is not for this sign-in. Sign in again.");
  return { token, claims, role: request.role, region: request.region };
}

/** sessionName returns a name for the session that the audit log shows. */
export function sessionName(claims) {
  const name = String(claims.email ?? claims.preferred_username ?? claims.sub ?? "console").replace(/[^\w+=,.@-]/g, "-");
  return name.slice(0, 64).padEnd(2, "-");
}

async function redeem(issuer, code, verifier) {
  const found = await discover(issuer);
  const answer = await request(found.token_endpoint, {
    method: "POST", credentials: "omit",
    body: new URLSearchParams({
      grant_type: "authorization_code", code, redirect_uri: redirectURI(), client_id: issuer.clientId, code_verifier: verifier,
    }),
  });
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok || typeof value.id_token !== "string") {
    throw named("SignInRefused", `The issuer gave no token: ${value.error ?? `HTTP status ${answer.status}`}. ${value.error_description ?? ""}`);
  }
  return value.id_token;
}

/** discover reads the addresses of an issuer. The page may send codes to declared origins only. */
async function discover({ url, clientId, origins = [] }) {
  const answer = await request(url + "/.well-known/openid-configuration", { credentials: "omit" });
  const value = await answer.json().catch(() => ({}));
  if (!answer.ok || String(value.issuer).replace(/\/$/, "") !== url) {
    throw named("IssuerUnusable", `${url} does not describe itself as an OIDC issuer.`);
  }
  const { origin } = URL.parse(value.token_endpoint) ?? {};
  if (![new URL(url).origin, ...origins].includes(origin)) {
    throw named("IssuerUnusable", `The token endpoint of ${url} is at ${origin}, and the page connects to declared ` +
      `origins only. An administrator can declare it in console.issuers: "${[`${clientId}@${url}`, ...origins, origin].join(" ")}".`);
  }
  return value;
}

async function request(address, options) {
  try {
    return await fetch(address, options);
  } catch {
    throw named("IssuerUnreachable", `The page could not read ${address}. The issuer must answer there, allow the ` +
      `origin ${location.origin} (CORS), and have its discovery document at the declared address.`);
  }
}

/** claimsOf returns the claims of a token. The server verifies the token, the page reads a name and the nonce. */
function claimsOf(token) {
  const part = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
  try {
    return JSON.parse(new TextDecoder().decode(fromBase64(part)));
  } catch {
    throw named("SignInRefused", "The issuer gave a token that is not a JWT.");
  }
}

async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes) {
  return toBase64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

function named(name, message) {
  return Object.assign(new Error(message), { name });
}
