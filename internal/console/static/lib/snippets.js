// Lines that use a key in programs.

/**
 * snippets returns lines for the CLI and SDKs.
 * @param {object} key of DescribeKey
 * @param {string} endpoint as http://127.0.0.1:4599
 * @param {string} region
 * @returns {[name: string, text: string][]}
 */
export function snippets(key, endpoint, region) {
  const shell = `export AWS_ENDPOINT_URL_KMS=${endpoint} AWS_REGION=${region}\n`;
  const id = key.Arn;
  const of = {
    ENCRYPT_DECRYPT: encrypt, SIGN_VERIFY: sign, GENERATE_VERIFY_MAC: mac,
  }[key.KeyUsage] ?? publicKey;
  return of(id, shell, (key.EncryptionAlgorithms ?? key.SigningAlgorithms ?? key.MacAlgorithms ?? [])[0]);
}

function encrypt(id, shell, algorithm) {
  return [
    ["AWS CLI", `${shell}aws kms encrypt --key-id ${id} --encryption-algorithm ${algorithm} \\\n  --plaintext fileb://plaintext --query CiphertextBlob --output text | base64 -d >ciphertext\n` +
      `aws kms decrypt --key-id ${id} --encryption-algorithm ${algorithm} \\\n  --ciphertext-blob fileb://ciphertext --query Plaintext --output text | base64 -d`],
    ["Python", `import boto3\n\nkms = boto3.client("kms")\nanswer = kms.encrypt(KeyId="${id}", Plaintext=b"text", EncryptionAlgorithm="${algorithm}")\nciphertext = answer["CiphertextBlob"]`],
    ["JavaScript", `import { EncryptCommand, KMSClient } from "@aws-sdk/client-kms";\n\nconst kms = new KMSClient();\nconst { CiphertextBlob } = await kms.send(new EncryptCommand({\n  KeyId: "${id}", Plaintext: Buffer.from("text"), EncryptionAlgorithm: "${algorithm}",\n}));`],
    ["Go", `out, err := client.Encrypt(ctx, &kms.EncryptInput{\n\tKeyId: aws.String("${id}"), Plaintext: []byte("text"),\n\tEncryptionAlgorithm: "${algorithm}",\n})`],
  ];
}

function sign(id, shell, algorithm) {
  return [
    ["AWS CLI", `${shell}aws kms sign --key-id ${id} --signing-algorithm ${algorithm} \\\n  --message fileb://message --query Signature --output text | base64 -d >signature`],
    ["Python", `import boto3\n\nkms = boto3.client("kms")\nsignature = kms.sign(KeyId="${id}", Message=b"text", SigningAlgorithm="${algorithm}")["Signature"]`],
    ["JavaScript", `import { KMSClient, SignCommand } from "@aws-sdk/client-kms";\n\nconst kms = new KMSClient();\nconst { Signature } = await kms.send(new SignCommand({\n  KeyId: "${id}", Message: Buffer.from("text"), SigningAlgorithm: "${algorithm}",\n}));`],
    ["Go", `out, err := client.Sign(ctx, &kms.SignInput{\n\tKeyId: aws.String("${id}"), Message: []byte("text"), SigningAlgorithm: "${algorithm}",\n})`],
  ];
}

function mac(id, shell, algorithm) {
  return [
    ["AWS CLI", `${shell}aws kms generate-mac --key-id ${id} --mac-algorithm ${algorithm} \\\n  --message fileb://message --query Mac --output text`],
    ["Python", `import boto3\n\nkms = boto3.client("kms")\nmac = kms.generate_mac(KeyId="${id}", Message=b"text", MacAlgorithm="${algorithm}")["Mac"]`],
  ];
}

function publicKey(id, shell) {
  return [["AWS CLI", `${shell}aws kms get-public-key --key-id ${id} --query PublicKey --output text | base64 -d >public.der`]];
}
