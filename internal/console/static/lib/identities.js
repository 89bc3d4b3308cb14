// Translates identities between what the server shows and what a declaration says.

/** The kinds of identities, their names in the plural, and the requests that declare them. */
export const kinds = [
  { kind: "user", title: "Users", one: "user", put: "PutUser" },
  { kind: "role", title: "Roles", one: "role", put: "PutRole" },
  { kind: "policy", title: "Policies", one: "policy", put: "PutPolicy" },
  { kind: "oidc-provider", title: "OIDC providers", one: "OIDC provider", put: "PutProvider" },
  { kind: "account", title: "Accounts", one: "account", put: "PutAccount" },
];

/** Returns the row of a kind, or undefined. */
export const kindOf = (kind) => kinds.find((k) => k.kind === kind);

/**
 * Returns the path in the ARN of a user, role or policy: "/staff/" for arn:aws:iam::111122223333:user/staff/alice.
 * @param {string} arn
 * @returns {string}
 */
export function pathOf(arn) {
  const parts = arn.split(":").slice(5).join(":").split("/");
  return parts.length < 3 ? "/" : `/${parts.slice(1, -1).join("/")}/`;
}

const copied = {
  user: ["ManagedPolicies", "PermissionsBoundary", "Policies", "Tags"],
  role: ["Description", "ManagedPolicies", "MaxSessionSeconds", "PermissionsBoundary", "Policies", "Tags", "Trust"],
  policy: ["Description", "Document"],
  "oidc-provider": ["ClientIds", "Roots"],
  account: [],
};

/**
 * Returns the declaration of an identity as it is now. A declaration is complete: a member that it lacks is removed.
 * @param {object} shown answer of ShowIdentity
 * @returns {object} body of the request that kindOf(shown.Kind).put names
 */
export function declarationOf(shown) {
  const body = { AccountId: shown.AccountId };
  for (const member of copied[shown.Kind]) {
    if (shown[member] !== undefined && shown[member] !== "") body[member] = shown[member];
  }
  if (shown.Kind === "account") body.Name = shown.Description ?? "";
  else if (shown.Kind === "oidc-provider") body.Url = `https://${shown.Name}`;
  else Object.assign(body, { Name: shown.Name, Path: pathOf(shown.Arn) });
  return body;
}

/**
 * Returns the documents of an identity.
 * @param {object} shown answer of ShowIdentity
 * @returns {{title: string, member: string, name?: string, text: string}[]}
 */
export function documentsOf(shown) {
  const all = [];
  if (shown.Document) all.push({ title: "Document", member: "Document", text: shown.Document });
  if (shown.Trust) all.push({ title: "Trust policy", member: "Trust", text: shown.Trust });
  for (const p of shown.Policies ?? []) {
    all.push({ title: `Policy ${p.Name}`, member: "Policies", name: p.Name, text: p.Document });
  }
  return all;
}

/**
 * Returns a declaration with another text for one of its documents.
 * @param {object} body
 * @param {{member: string, name?: string}} document
 * @param {string | null} text null removes a policy of a user or role
 * @returns {object}
 */
export function withDocument(body, { member, name }, text) {
  if (member !== "Policies") return { ...body, [member]: text };
  const all = body.Policies ?? [];
  if (text === null) return { ...body, Policies: all.filter((p) => p.Name !== name) };
  const entry = { Name: name, Document: text };
  if (!all.some((p) => p.Name === name)) return { ...body, Policies: [...all, entry] };
  return { ...body, Policies: all.map((p) => (p.Name === name ? entry : p)) };
}
