// An ethers signer whose secp256k1 key is in KMS.
//
// seal signs a transaction that carries the plaintext, and open signs the same transaction again. The sender must be
// the account of the private key in FOLDER/material, which the owner imported.
//
// usage: node main.js version | seal KEY FOLDER ROOM < PLAINTEXT | open KEY FOLDER ROOM > PLAINTEXT

import { AwsKmsSigner } from '@cuonghx.gu-tech/ethers-aws-kms-signer';
import { computeAddress, hexlify, Transaction } from 'ethers';
import { readFileSync, writeFileSync } from 'node:fs';

const account = (folder) => computeAddress(readFileSync(`${folder}/material`, 'utf8').trim());

async function sign(key, folder, data) {
  const signer = new AwsKmsSigner({ keyId: key });
  const unsigned = { to: account(folder), data, chainId: 1, nonce: 0, gasLimit: 30_000, maxFeePerGas: 1, type: 2 };
  // The signer accepts a Transaction, as sendTransaction of ethers passes it, but not a plain object without "from".
  const signed = Transaction.from(await signer.signTransaction(Transaction.from(unsigned)));
  if (signed.from !== account(folder)) throw new Error(`signed by ${signed.from} instead of ${account(folder)}`);
  return signed;
}

async function seal(key, folder) {
  const signed = await sign(key, folder, hexlify(readFileSync(0)));
  writeFileSync(`${folder}/transaction`, signed.serialized);
}

async function open(key, folder) {
  const first = Transaction.from(readFileSync(`${folder}/transaction`, 'utf8'));
  const again = await sign(key, folder, first.data);
  if (again.unsignedHash !== first.unsignedHash) throw new Error('signed another transaction');
  process.stdout.write(Buffer.from(again.data.slice(2), 'hex'));
}

function version() {
  const of = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
  console.log(`${of('@cuonghx.gu-tech/ethers-aws-kms-signer')} with ethers ${of('ethers')}`);
}

const [command, ...args] = process.argv.slice(2);
await { version, seal, open }[command](...args);
