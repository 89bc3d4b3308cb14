// Use a key: a box that tries it, and lines for programs.

import { fromBase64, toBase64, utf8 } from "./bytes.js";
import { html, useState } from "./dom.js";
import { Button, Code, Failure, Field, Select, useAction } from "./parts.js";
import { snippets } from "./snippets.js";
import { digests } from "./specs.js";

/**
 * kinds has what the box can do with keys of a usage: operations with their input, outputs and algorithm. The input of
 * an operation with text is a text, and all other inputs are base64; shows says that the output may be a text.
 */
const kinds = {
  ENCRYPT_DECRYPT: [
    { name: "Encrypt", input: "Plaintext", text: true, outputs: ["CiphertextBlob"], algorithm: "EncryptionAlgorithm" },
    { name: "Decrypt", input: "CiphertextBlob", outputs: ["Plaintext"], shows: true, algorithm: "EncryptionAlgorithm" },
  ],
  SIGN_VERIFY: [{ name: "Sign", input: "Message", text: true, outputs: ["Signature"], algorithm: "SigningAlgorithm" }],
  GENERATE_VERIFY_MAC: [{ name: "GenerateMac", input: "Message", text: true, outputs: ["Mac"], algorithm: "MacAlgorithm" }],
  KEY_AGREEMENT: [{ name: "DeriveSharedSecret", input: "PublicKey", outputs: ["SharedSecret"], algorithm: "KeyAgreementAlgorithm",
    hint: "the public key of the other side on the same curve, as PEM or DER (SubjectPublicKeyInfo)" }],
  ENCAPSULATE_DECAPSULATE: [
    { name: "Encapsulate", outputs: ["SharedSecret", "SharedSecretCiphertextBlob"], algorithm: "EncapsulationAlgorithm" },
    { name: "Decapsulate", input: "SharedSecretCiphertextBlob", outputs: ["SharedSecret"], algorithm: "EncapsulationAlgorithm" },
  ],
};

export default function Use({ of, api, session }) {
  const operations = kinds[of.KeyUsage] ?? [];
  return html`${operations.map((o) => html`<${Box} key=${o.name} of=${of} api=${api} operation=${o} />`)}
    <h2>In programs</h2>
    <p>Endpoint and credentials come from the environment: <code>AWS_ENDPOINT_URL_KMS</code>, <code>AWS_REGION</code>,
      <code>AWS_ACCESS_KEY_ID</code> and <code>AWS_SECRET_ACCESS_KEY</code>.</p>
    ${snippets(of, location.origin, session.region).map(([name, text]) => html`<h3>${name}</h3><${Code} text=${text} label=${`Copy the lines for ${name}`} />`)}`;
}

function Box({ of, api, operation }) {
  const action = useAction();
  const [results, setResults] = useState([]);
  const algorithms = of[operation.algorithm + "s"] ?? [];
  const submit = (event) => {
    event.preventDefault();
    const { input, algorithm } = event.target.elements;
    action.run(async () => {
      const body = await bodyOf(of, operation, algorithm?.value, input?.value ?? "");
      const answer = await api.call(operation.name, body);
      setResults(operation.outputs.map((name) => [name, operation.shows ? shown(answer[name]) : answer[name]]));
    }).then((ok) => ok || setResults([]));
  };
  return html`<h2>${operation.name}</h2><form onSubmit=${submit}>
    ${operation.input && html`<${Field} label=${operation.text ? `Text for ${operation.name}` : `${operation.input} in base64`}
      hint=${operation.hint}>${(attributes) =>
      html`<textarea name="input" rows="3" spellcheck=${false} required ...${attributes}></textarea>`}<//>`}
    ${algorithms.length > 1 && html`<${Select} label=${`Algorithm of ${operation.name}`} name="algorithm" options=${algorithms} />`}
    ${algorithms.length === 1 && html`<input type="hidden" name="algorithm" value=${algorithms[0]} />`}
    <${Button} type="submit" busy=${action.busy}>${operation.name}<//>
    ${action.error && html`<${Failure} error=${action.error} />`}
    ${results.length > 0 && html`<div role="status">${results.map(([name, text]) => html`<p class="hint">${name}:</p>
      <${Code} text=${text} label=${`Copy the ${name}`} />`)}</div>`}
  </form>`;
}

/** bodyOf returns the request of an operation for what was typed. */
async function bodyOf(of, { input, text, algorithm: member }, algorithm, typed) {
  const body = { KeyId: of.KeyId, ...(algorithm && { [member]: algorithm }) };
  if (input) body[input] = text ? toBase64(utf8(typed)) : typed.replace(/-----[^-]*-----|\s/g, "");
  if (digests[algorithm]) {
    body.MessageType = "DIGEST";
    body[input] = toBase64(new Uint8Array(await crypto.subtle.digest(digests[algorithm], utf8(typed))));
  }
  return body;
}

/** shown returns bytes as text, or as base64 if they are not text. */
function shown(base64) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(fromBase64(base64));
  } catch {
    return base64;
  }
}
