// Key material of our own.

import { constants, createHmac, publicEncrypt, randomBytes } from 'node:crypto';
import { CONTEXT, DAY, PLAINTEXT, expect, refused } from './walk.js';
import { parsePublic } from './signatures.js';

const FOREVER = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' };

export default async function imports(w) {
  const material = randomBytes(32);
  let KeyId, params, first, ciphertext;
  await w.call('CreateKey of origin EXTERNAL', async () => {
    const { KeyMetadata } = await w.kms.createKey({ Origin: 'EXTERNAL' });
    expect('the state', KeyMetadata.KeyState, 'PendingImport');
    KeyId = KeyMetadata.Arn;
  });
  await w.call('GetParametersForImport', async () => {
    params = await parameters(w, KeyId);
    const left = params.ParametersValidTo - Date.now();
    expect('valid for a day', Math.abs(left - DAY) < DAY / 24, true);
  });
  await w.call('ImportKeyMaterial', async () => {
    const ValidTo = new Date(Math.floor(Date.now() / 1000) * 1000 + 90 * DAY);
    first = await bring(w, params, material, { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo });
    const key = await w.describe(KeyId);
    expect('the state', key.KeyState, 'Enabled');
    expect('the expiry', [key.ExpirationModel, key.ValidTo], ['KEY_MATERIAL_EXPIRES', ValidTo]);
  });
  await w.call('Encrypt with imported material', async () => {
    const answer = await w.kms.encrypt({ KeyId, Plaintext: PLAINTEXT, EncryptionContext: CONTEXT });
    ciphertext = answer.CiphertextBlob;
  });
  await w.call('DeleteImportedKeyMaterial', async () => {
    await w.kms.deleteImportedKeyMaterial({ KeyId });
    expect('the state', (await w.describe(KeyId)).KeyState, 'PendingImport');
  });
  await w.call('Encrypt without material', () =>
    refused('KMSInvalidStateException', w.kms.encrypt({ KeyId, Plaintext: PLAINTEXT })));
  await w.call('ImportKeyMaterial of other bytes', () =>
    refused('IncorrectKeyMaterialException', bring(w, params, randomBytes(32), FOREVER)));
  await w.call('ImportKeyMaterial again', async () => {
    const again = await bring(w, await parameters(w, KeyId), material, FOREVER);
    expect('the material', again.KeyMaterialId, first.KeyMaterialId);
  });
  await w.call('Decrypt with imported material', async () => {
    const opened = await w.kms.decrypt({ CiphertextBlob: ciphertext, EncryptionContext: CONTEXT });
    expect('the plaintext', opened.Plaintext, PLAINTEXT);
  });
  await w.call('ImportKeyMaterial HMAC_256', () => macKey(w, material));
}

async function macKey(w, material) {
  const members = { Origin: 'EXTERNAL', KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' };
  const { Arn } = (await w.kms.createKey(members)).KeyMetadata;
  await bring(w, await parameters(w, Arn), material, FOREVER);
  const { Mac } = await w.kms.generateMac({ KeyId: Arn, Message: PLAINTEXT, MacAlgorithm: 'HMAC_SHA_256' });
  expect('the code', Mac, createHmac('sha256', material).update(PLAINTEXT).digest());
}

async function parameters(w, KeyId) {
  const params = await w.kms.getParametersForImport({
    KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048',
  });
  expect('the key', params.KeyId, KeyId);
  expect('its bits', parsePublic(params.PublicKey).asymmetricKeyDetails.modulusLength, 2048);
  return params;
}

function bring(w, { KeyId, ImportToken, PublicKey }, material, members) {
  const EncryptedKeyMaterial = encryptOAEP(parsePublic(PublicKey), material);
  return w.kms.importKeyMaterial({ KeyId, ImportToken, EncryptedKeyMaterial, ...members });
}

export function encryptOAEP(key, plaintext) {
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, plaintext);
}
