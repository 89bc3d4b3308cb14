// Lines that use a key in programs.

import { digests } from "./specs.js";

/**
 * calls has the operation that the lines show for each usage. The input of an operation is a text, or the public key
 * of the other side.
 */
const calls = {
  ENCRYPT_DECRYPT: { name: "Encrypt", algorithm: "EncryptionAlgorithm", input: "Plaintext", output: "CiphertextBlob", shell: encrypt },
  SIGN_VERIFY: { name: "Sign", algorithm: "SigningAlgorithm", input: "Message", output: "Signature", shell: sign },
  GENERATE_VERIFY_MAC: { name: "GenerateMac", algorithm: "MacAlgorithm", input: "Message", output: "Mac", shell: mac },
  KEY_AGREEMENT: { name: "DeriveSharedSecret", algorithm: "KeyAgreementAlgorithm", input: "PublicKey", peer: true, output: "SharedSecret", shell: agree },
  ENCAPSULATE_DECAPSULATE: { name: "Encapsulate", algorithm: "EncapsulationAlgorithm", output: "SharedSecret", shell: encapsulate },
};

/**
 * snippets returns lines for the CLI and SDKs.
 * @param {object} key of DescribeKey
 * @param {string} endpoint as http://127.0.0.1:4599
 * @param {string} region
 * @returns {[name: string, text: string][]}
 */
export function snippets(key, endpoint, region) {
  const call = calls[key.KeyUsage];
  if (!call) return [];
  const algorithm = (key[call.algorithm + "s"] ?? []).find((a) => !digests[a]);
  const environment = `export AWS_ENDPOINT_URL_KMS=${endpoint} AWS_REGION=${region}\n`;
  return [
    ["AWS CLI", environment + call.shell(key.Arn, algorithm, key.KeySpec)],
    ["Python", python(call, key.Arn, algorithm)],
    ["JavaScript", javaScript(call, key.Arn, algorithm)],
    ["Go", go(call, key.Arn, algorithm)],
  ];
}

function python({ name, algorithm: member, input, peer, output }, id, algorithm) {
  const method = name.replace(/(?!^)[A-Z]/g, "_$&").toLowerCase();
  const given = input ? `, ${input}=${peer ? "peer" : 'b"text"'}` : "";
  const file = peer ? '\nwith open("peer.der", "rb") as file:\n    peer = file.read()' : "";
  return `import boto3\n\nkms = boto3.client("kms")${file}\nanswer = kms.${method}(KeyId="${id}"${given}, ${member}="${algorithm}")\n` +
    `result = answer["${output}"]`;
}

function javaScript({ name, algorithm: member, input, peer, output }, id, algorithm) {
  const given = input ? `, ${input}: ${peer ? 'readFileSync("peer.der")' : 'Buffer.from("text")'}` : "";
  const file = peer ? 'import { readFileSync } from "node:fs";\n' : "";
  return `${file}import { ${name}Command, KMSClient } from "@aws-sdk/client-kms";\n\nconst kms = new KMSClient();\n` +
    `const { ${output} } = await kms.send(new ${name}Command({\n  KeyId: "${id}"${given}, ${member}: "${algorithm}",\n}));`;
}

function go({ name, algorithm: member, input, peer }, id, algorithm) {
  const given = input ? `, ${input}: ${peer ? "peer" : '[]byte("text")'}` : "";
  return `out, err := client.${name}(ctx, &kms.${name}Input{\n\tKeyId: aws.String("${id}")${given},\n\t${member}: "${algorithm}",\n})`;
}

function encrypt(id, algorithm) {
  return `aws kms encrypt --key-id ${id} --encryption-algorithm ${algorithm} \\\n  --plaintext fileb://plaintext --query CiphertextBlob --output text | base64 -d >ciphertext\n` +
    `aws kms decrypt --key-id ${id} --encryption-algorithm ${algorithm} \\\n  --ciphertext-blob fileb://ciphertext --query Plaintext --output text | base64 -d`;
}

function sign(id, algorithm) {
  return `aws kms sign --key-id ${id} --signing-algorithm ${algorithm} \\\n  --message fileb://message --query Signature --output text | base64 -d >signature`;
}

function mac(id, algorithm) {
  return `aws kms generate-mac --key-id ${id} --mac-algorithm ${algorithm} \\\n  --message fileb://message --query Mac --output text`;
}

/** agree makes the key of the other side, because somebody who tries the key has none. */
function agree(id, algorithm, spec) {
  return `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-${spec.slice(-3)} -out peer.pem\n` +
    `openssl pkey -in peer.pem -pubout -outform DER -out peer.der\n` +
    `aws kms derive-shared-secret --key-id ${id} --key-agreement-algorithm ${algorithm} \\\n  --public-key fileb://peer.der --query SharedSecret --output text\n` +
    `# The other side derives the same secret:\naws kms get-public-key --key-id ${id} --query PublicKey --output text | base64 -d >public.der\n` +
    `openssl pkeyutl -derive -inkey peer.pem -peerkey public.der | base64 -w 0`;
}

function encapsulate(id, algorithm) {
  return `aws kms encapsulate --key-id ${id} --encapsulation-algorithm ${algorithm} \\\n  --query SharedSecretCiphertextBlob --output text | base64 -d >ciphertext\n` +
    `aws kms decapsulate --key-id ${id} --encapsulation-algorithm ${algorithm} \\\n  --shared-secret-ciphertext-blob fileb://ciphertext --query SharedSecret --output text`;
}
