// Keys of every family.

import { paginateListKeys } from '@aws-sdk/client-kms';
import { expect, refused } from './walk.js';

const FAMILIES = [
  ['symmetric', 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', 'CreateKey SYMMETRIC_DEFAULT'],
  ['rsa sign', 'RSA_2048', 'SIGN_VERIFY', 'CreateKey RSA_2048 to sign'],
  ['rsa encrypt', 'RSA_2048', 'ENCRYPT_DECRYPT', 'CreateKey RSA_2048 to encrypt'],
  ['p256 sign', 'ECC_NIST_P256', 'SIGN_VERIFY', 'CreateKey ECC_NIST_P256 to sign'],
  ['p256 agree', 'ECC_NIST_P256', 'KEY_AGREEMENT', 'CreateKey ECC_NIST_P256 to agree'],
  ['secp256k1', 'ECC_SECG_P256K1', 'SIGN_VERIFY', 'CreateKey ECC_SECG_P256K1 to sign'],
  ['ed25519', 'ECC_NIST_EDWARDS25519', 'SIGN_VERIFY', 'CreateKey ECC_NIST_EDWARDS25519 to sign'],
  ['hmac', 'HMAC_256', 'GENERATE_VERIFY_MAC', 'CreateKey HMAC_256'],
  ['ml-dsa', 'ML_DSA_44', 'SIGN_VERIFY', 'CreateKey ML_DSA_44'],
  ['ml-kem', 'ML_KEM_768', 'ENCAPSULATE_DECAPSULATE', 'CreateKey ML_KEM_768'],
];
const DESCRIPTION = 'Schlüssel für das Archiv, 鍵';
const NO_KEY = '00000000-0000-4000-8000-000000000000';

export default async function keys(w) {
  let created;
  for (const [name, KeySpec, KeyUsage, label] of FAMILIES) {
    await w.call(label, async () => {
      created = (await w.kms.createKey({ KeySpec, KeyUsage })).KeyMetadata;
      w.arns[name] = created.Arn;
      const got = [created.KeySpec, created.KeyUsage, created.KeyState, created.Origin];
      expect('the key', got, [KeySpec, KeyUsage, 'Enabled', 'AWS_KMS']);
    });
  }
  await w.call('DescribeKey', async () => {
    expect('the metadata', await w.describe(created.KeyId), created);
  });
  await w.call('DescribeKey of no key', () => refused('NotFoundException', w.describe(NO_KEY)));
  await w.call('UpdateKeyDescription', async () => {
    await w.kms.updateKeyDescription({ KeyId: w.arns.symmetric, Description: DESCRIPTION });
    expect('the description', (await w.describe(w.arns.symmetric)).Description, DESCRIPTION);
  });
  await w.call('ListKeys', async () => {
    const ours = Object.values(w.arns);
    const seen = [];
    for await (const page of paginateListKeys({ client: w.kms, pageSize: 3 }, {})) {
      expect('more than 3 in a page', page.Keys.length > 3, false);
      seen.push(...page.Keys.map((k) => k.KeyArn).filter((arn) => ours.includes(arn)));
    }
    expect('our keys', seen.sort(), ours.sort());
  });
}
