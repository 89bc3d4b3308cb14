// The AWS Encryption SDK for JavaScript with a KMS keyring.
//
// usage: node main.js version | seal KEY FOLDER ROOM < PLAINTEXT | open KEY FOLDER ROOM > PLAINTEXT

import { buildClient, CommitmentPolicy, KmsKeyringNode } from '@aws-crypto/client-node';
import { readFileSync, writeFileSync } from 'node:fs';

const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);

async function seal(key, folder, room) {
  const keyring = new KmsKeyringNode({ generatorKeyId: key });
  const { result } = await encrypt(keyring, readFileSync(0), { encryptionContext: { room } });
  writeFileSync(`${folder}/message`, result);
}

// The SDK does not compare the encryption context with an expected one, so this program does.
async function open(key, folder, room) {
  const keyring = new KmsKeyringNode({ keyIds: [key] });
  const { plaintext, messageHeader } = await decrypt(keyring, readFileSync(`${folder}/message`));
  if (messageHeader.encryptionContext.room !== room) throw new Error('the message is of another room');
  process.stdout.write(plaintext);
}

function version() {
  console.log(JSON.parse(readFileSync('node_modules/@aws-crypto/client-node/package.json')).version);
}

const [command, ...args] = process.argv.slice(2);
await { version, seal, open }[command](...args);
