// What depends on a key, and so on the expiry of its key material.

import { html } from "../lib/dom.js";
import { Facts, Loading, Time, useLoad } from "../lib/parts.js";

/** Dependents shows what stops when the key material is gone. */
export default function Dependents({ metadata, expiry, api }) {
  const found = useLoad((signal) => find(api, metadata, signal), [metadata.Arn]);
  if (found.loading && !found.value) return html`<${Loading} what="what depends on the key" />`;
  const { aliases, grants, usage } = found.value ?? {};
  return html`<h3>What depends on the key material</h3>
    <p>${expiry ? html`From <${Time} at=${expiry} /> on,` : "Without its key material,"} the key cannot be used by any of
      these, until the same key material is imported again. The server warns before an expiry.</p>
    <${Facts} of=${[
      ["Aliases", aliases && (aliases.length ? aliases.map((a) => a.AliasName).join(", ") : "none")],
      ["Grants", grants && (grants.length ? `${grants.length}${grants.length >= most ? " or more" : ""}` : "none")],
      ["Last used", usage && lastUse(usage)],
      ["Replica keys", metadata.MultiRegionConfiguration && replicas(metadata.MultiRegionConfiguration)],
      ["Not shown", notShown({ aliases, grants, usage })],
    ]} />`;
}

const most = 100;

/** find returns what the caller may list. */
async function find(api, { Arn }, signal) {
  const allowed = (promise) =>
    promise.catch((error) => {
      if (error.name !== "AccessDeniedException") throw error;
    });
  const [aliases, grants, usage] = await Promise.all([
    allowed(api.all("ListAliases", { KeyId: Arn }, "Aliases", { signal, most })),
    allowed(api.all("ListGrants", { KeyId: Arn, Limit: 100 }, "Grants", { signal, most })),
    allowed(api.call("GetKeyLastUsage", { KeyId: Arn }, { signal })),
  ]);
  return { aliases, grants, usage };
}

function lastUse({ KeyLastUsage: { Timestamp, Operation } = {} }) {
  return Timestamp ? html`<${Time} at=${Timestamp} />, ${Operation}` : "never";
}

function replicas({ PrimaryKey, ReplicaKeys = [] }) {
  const regions = [PrimaryKey, ...ReplicaKeys].map((k) => k.Region);
  return `${regions.join(", ")}: each Region has its own copy of the key material, with its own expiry.`;
}

function notShown(found) {
  const actions = { aliases: "kms:ListAliases", grants: "kms:ListGrants", usage: "kms:GetKeyLastUsage" };
  const missing = Object.keys(actions)
    .filter((name) => !found[name])
    .map((name) => actions[name]);
  return missing.length > 0 && `You have no permission for ${missing.join(", ")}.`;
}
