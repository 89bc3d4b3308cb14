// Makes the requests of ExplainDecision from the fields of a form.

/** Actions that the forms propose. */
export const actions = ["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey",
  "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair", "GenerateMac", "VerifyMac", "Sign", "Verify",
  "GetPublicKey", "DeriveSharedSecret", "DescribeKey", "GetKeyPolicy", "PutKeyPolicy", "CreateGrant", "ListGrants",
  "RevokeGrant", "EnableKey", "DisableKey", "TagResource", "UntagResource", "ScheduleKeyDeletion",
  "CancelKeyDeletion", "GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial",
  "RotateKeyOnDemand", "CreateKey", "ListKeys", "ListAliases"].map((name) => `kms:${name}`);

/**
 * Returns the pairs of lines NAME=VALUE. Empty lines are left out.
 * @param {string} text
 * @returns {{pairs: Record<string, string>, wrong: string | null}} wrong is the first line without =
 */
export function pairsOf(text) {
  const lines = text.split("\n").map((l) => l.replace(/\r$/, "")).filter((l) => l.trim() !== "");
  const wrong = lines.find((l) => l.indexOf("=") < 1) ?? null;
  return { pairs: Object.fromEntries(lines.map((l) => [l.slice(0, l.indexOf("=")), l.slice(l.indexOf("=") + 1)])), wrong };
}

/**
 * Returns the body of ExplainDecision.
 * @param {{principal: string, action: string, key?: string, context?: string, members?: string, address?: string}} form
 * @returns {object}
 */
export function questionOf({ principal, action, key, context, members, address }) {
  const body = { PrincipalArn: principal.trim(), Action: action.trim() };
  if (key?.trim()) body.KeyId = key.trim();
  if (address?.trim()) body.SourceIp = address.trim();
  const given = { EncryptionContext: pairsOf(context ?? "").pairs, Members: pairsOf(members ?? "").pairs };
  for (const [member, pairs] of Object.entries(given)) {
    if (Object.keys(pairs).length > 0) body[member] = pairs;
  }
  return body;
}

/** The most principals that one question "who may?" asks about. */
export const mostPrincipals = 500;

/**
 * Returns the principals of a text with one ARN on each line, each once.
 * @param {string} text
 * @returns {string[]} at most mostPrincipals
 */
export function principalsOf(text) {
  return [...new Set(text.split(/\s+/).filter(Boolean))].slice(0, mostPrincipals);
}
