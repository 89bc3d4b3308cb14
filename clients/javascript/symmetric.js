// Encryption under a symmetric key, data keys and random bytes.

import { CONTEXT, PLAINTEXT, expect, refused } from './walk.js';

export default async function symmetric(w) {
  const KeyId = w.arns.symmetric;
  await encryption(w, KeyId);
  await dataKeys(w, KeyId);
  await w.call('ReEncrypt', () => move(w, w.arns['rsa encrypt'], 'RSAES_OAEP_SHA_1'));
  await w.call('GenerateRandom', async () => {
    const random = async () => (await w.kms.generateRandom({ NumberOfBytes: 1024 })).Plaintext;
    const [some, others] = [await random(), await random()];
    expect('the number of bytes', some.length, 1024);
    expect('the same bytes again', Buffer.compare(some, others) === 0, false);
  });
  await w.call('DisableKey', async () => {
    await w.kms.disableKey({ KeyId });
    await refused('DisabledException', w.kms.encrypt({ KeyId, Plaintext: PLAINTEXT }));
  });
  await w.call('EnableKey', async () => {
    await w.kms.enableKey({ KeyId });
    await w.kms.encrypt({ KeyId, Plaintext: PLAINTEXT });
  });
}

async function encryption(w, KeyId) {
  await w.call('Encrypt', async () => {
    const answer = await w.kms.encrypt({ KeyId, Plaintext: PLAINTEXT, EncryptionContext: CONTEXT });
    expect('the key', answer.KeyId, KeyId);
    expect('the algorithm', answer.EncryptionAlgorithm, 'SYMMETRIC_DEFAULT');
    w.ciphertext = answer.CiphertextBlob;
  });
  await w.call('Decrypt', async () => {
    const answer = await w.kms.decrypt({ CiphertextBlob: w.ciphertext, EncryptionContext: CONTEXT });
    expect('the plaintext', answer.Plaintext, PLAINTEXT);
    expect('the key', answer.KeyId, KeyId);
  });
  await w.call('Decrypt in another context', () => refused('InvalidCiphertextException',
    w.kms.decrypt({ CiphertextBlob: w.ciphertext, EncryptionContext: { room: 'cellar' } })));
  await w.call('Encrypt as a dry run', () => refused('DryRunOperationException',
    w.kms.encrypt({ KeyId, Plaintext: PLAINTEXT, DryRun: true })));
  await w.call('Encrypt of 4,097 bytes', () => refused('ValidationException',
    w.kms.encrypt({ KeyId, Plaintext: Buffer.alloc(4097) })));
}

async function dataKeys(w, KeyId) {
  await w.call('GenerateDataKey', async () => {
    const answer = await w.kms.generateDataKey({ KeyId, KeySpec: 'AES_256', EncryptionContext: CONTEXT });
    expect('the number of bytes', answer.Plaintext.length, 32);
    const { CiphertextBlob } = answer;
    const opened = await w.kms.decrypt({ CiphertextBlob, EncryptionContext: CONTEXT });
    expect('the data key', opened.Plaintext, answer.Plaintext);
  });
  await w.call('GenerateDataKeyWithoutPlaintext', async () => {
    const answer = await w.kms.generateDataKeyWithoutPlaintext({ KeyId, NumberOfBytes: 32 });
    expect('a plaintext', 'Plaintext' in answer, false);
    const opened = await w.kms.decrypt({ CiphertextBlob: answer.CiphertextBlob });
    expect('the number of bytes', opened.Plaintext.length, 32);
  });
}

// move moves the ciphertext of Encrypt under another key, and decrypts it there.
async function move(w, KeyId, EncryptionAlgorithm) {
  const moved = await w.kms.reEncrypt({
    CiphertextBlob: w.ciphertext,
    SourceEncryptionContext: CONTEXT,
    DestinationKeyId: KeyId,
    DestinationEncryptionAlgorithm: EncryptionAlgorithm,
  });
  expect('the keys', [moved.SourceKeyId, moved.KeyId], [w.arns.symmetric, KeyId]);
  const opened = await w.kms.decrypt({ CiphertextBlob: moved.CiphertextBlob, KeyId, EncryptionAlgorithm });
  expect('the plaintext', opened.Plaintext, PLAINTEXT);
}
