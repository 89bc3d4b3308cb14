// Shared secrets, key pairs, and encryption under RSA.

import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto';
import { CONTEXT, PLAINTEXT, expect } from './walk.js';
import { encryptOAEP } from './imports.js';
import { parsePublic } from './signatures.js';

export default async function agreement(w) {
  await w.call('DeriveSharedSecret', async () => {
    const KeyId = w.arns['p256 agree'];
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const answer = await w.kms.deriveSharedSecret({
      KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey: der(publicKey),
    });
    const theirs = parsePublic((await w.kms.getPublicKey({ KeyId })).PublicKey);
    expect('the secret', answer.SharedSecret, diffieHellman({ privateKey, publicKey: theirs }));
  });
  await encapsulation(w, { KeyId: w.arns['ml-kem'], EncapsulationAlgorithm: 'ML_KEM' });
  await pairs(w, { KeyId: w.arns.symmetric, KeyPairSpec: 'ECC_NIST_P256', EncryptionContext: CONTEXT });
  await rsa(w, { KeyId: w.arns['rsa encrypt'], EncryptionAlgorithm: 'RSAES_OAEP_SHA_256' });
}

async function encapsulation(w, members) {
  let made;
  await w.call('Encapsulate', async () => {
    made = await w.kms.encapsulate(members);
    const sizes = [made.SharedSecret.length, made.SharedSecretCiphertextBlob.length];
    expect('the bytes', sizes, [32, 1088]);
  });
  await w.call('Decapsulate', async () => {
    const { SharedSecretCiphertextBlob } = made;
    const opened = await w.kms.decapsulate({ ...members, SharedSecretCiphertextBlob });
    expect('the secret', opened.SharedSecret, made.SharedSecret);
  });
}

async function pairs(w, members) {
  const open = async (CiphertextBlob) =>
    (await w.kms.decrypt({ CiphertextBlob, EncryptionContext: CONTEXT })).Plaintext;
  await w.call('GenerateDataKeyPair', async () => {
    const answer = await w.kms.generateDataKeyPair(members);
    expect('the public half', answer.PublicKey, publicHalf(answer.PrivateKeyPlaintext));
    expect('the private half', await open(answer.PrivateKeyCiphertextBlob), answer.PrivateKeyPlaintext);
  });
  await w.call('GenerateDataKeyPairWithoutPlaintext', async () => {
    const answer = await w.kms.generateDataKeyPairWithoutPlaintext(members);
    expect('a plaintext', 'PrivateKeyPlaintext' in answer, false);
    expect('the public half', answer.PublicKey, publicHalf(await open(answer.PrivateKeyCiphertextBlob)));
  });
}

async function rsa(w, members) {
  const { KeyId } = members;
  await w.call('Encrypt RSAES_OAEP_SHA_256', async () => {
    const { CiphertextBlob } = await w.kms.encrypt({ ...members, Plaintext: PLAINTEXT });
    expect('the plaintext', (await w.kms.decrypt({ ...members, CiphertextBlob })).Plaintext, PLAINTEXT);
  });
  await w.call('Decrypt RSAES_OAEP_SHA_256', async () => {
    const key = parsePublic((await w.kms.getPublicKey({ KeyId })).PublicKey);
    const opened = await w.kms.decrypt({ ...members, CiphertextBlob: encryptOAEP(key, PLAINTEXT) });
    expect('the plaintext', opened.Plaintext, PLAINTEXT);
    expect('the key', opened.KeyId, KeyId);
  });
}

function publicHalf(pkcs8) {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  expect('the curve', key.asymmetricKeyDetails.namedCurve, 'prime256v1');
  return der(createPublicKey(key));
}

function der(key) {
  return key.export({ format: 'der', type: 'spki' });
}
