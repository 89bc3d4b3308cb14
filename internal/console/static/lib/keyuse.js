// Use a key: a box that tries it, and lines for programs.

import { fromBase64, toBase64, utf8 } from "./bytes.js";
import { html, useState } from "./dom.js";
import { Button, Code, Failure, Field, Select, useAction } from "./parts.js";
import { snippets } from "./snippets.js";

/** kinds has what the box can do with keys of a usage: operations with their input and output. */
const kinds = {
  ENCRYPT_DECRYPT: [
    { name: "Encrypt", input: "Plaintext", text: true, output: "CiphertextBlob", algorithm: "EncryptionAlgorithm", of: "EncryptionAlgorithms" },
    { name: "Decrypt", input: "CiphertextBlob", output: "Plaintext", shows: true, algorithm: "EncryptionAlgorithm", of: "EncryptionAlgorithms" },
  ],
  SIGN_VERIFY: [{ name: "Sign", input: "Message", text: true, output: "Signature", algorithm: "SigningAlgorithm", of: "SigningAlgorithms" }],
  GENERATE_VERIFY_MAC: [{ name: "GenerateMac", input: "Message", text: true, output: "Mac", algorithm: "MacAlgorithm", of: "MacAlgorithms" }],
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
  const [result, setResult] = useState("");
  const algorithms = of[operation.of] ?? [];
  const submit = (event) => {
    event.preventDefault();
    const { input, algorithm } = event.target.elements;
    action.run(async () => {
      const body = { KeyId: of.KeyId, [operation.input]: operation.text ? toBase64(utf8(input.value)) : input.value.trim() };
      if (algorithm) body[operation.algorithm] = algorithm.value;
      const answer = await api.call(operation.name, body);
      setResult(operation.shows ? shown(answer[operation.output]) : answer[operation.output]);
    }).then((ok) => ok || setResult(""));
  };
  return html`<h2>${operation.name}</h2><form onSubmit=${submit}>
    <${Field} label=${operation.text ? `Text for ${operation.name}` : `${operation.input} in base64`}>${(attributes) =>
      html`<textarea name="input" rows="3" spellcheck=${false} required ...${attributes}></textarea>`}<//>
    ${algorithms.length > 1 && html`<${Select} label=${`Algorithm of ${operation.name}`} name="algorithm" options=${algorithms} />`}
    ${algorithms.length === 1 && html`<input type="hidden" name="algorithm" value=${algorithms[0]} />`}
    <${Button} type="submit" busy=${action.busy}>${operation.name}<//>
    ${action.error && html`<${Failure} error=${action.error} />`}
    ${result && html`<div role="status"><p class="hint">${operation.output}:</p><${Code} text=${result} label=${`Copy the ${operation.output}`} /></div>`}
  </form>`;
}

/** shown returns bytes as text, or as base64 if they are not text. */
function shown(base64) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(fromBase64(base64));
  } catch {
    return base64;
  }
}
