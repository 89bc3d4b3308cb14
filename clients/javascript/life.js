// Rotation, the last usage and deletion.

import { CONTEXT, PLAINTEXT, expect, near, refused } from './walk.js';

export default async function life(w) {
  const KeyId = w.arns.symmetric;
  await rotation(w, KeyId);
  await schedule(w, KeyId);
  await w.call('GetKeyLastUsage', async () => {
    const { KeyLastUsage } = await w.kms.getKeyLastUsage({ KeyId });
    expect('the operation', KeyLastUsage.Operation, 'Decrypt');
    expect('now', near(KeyLastUsage.Timestamp, 0), true);
  });
  await deletion(w, KeyId);
}

async function rotation(w, KeyId) {
  let materials;
  await w.call('RotateKeyOnDemand', () => w.kms.rotateKeyOnDemand({ KeyId }));
  await w.call('ListKeyRotations', async () => {
    const { Rotations } = await w.kms.listKeyRotations({ KeyId });
    expect('the rotations', Rotations.map((r) => r.RotationType), ['ON_DEMAND']);
    const all = await w.kms.listKeyRotations({ KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' });
    materials = all.Rotations;
    expect('the materials', materials.map((m) => m.KeyMaterialState), ['NON_CURRENT', 'CURRENT']);
  });
  await w.call('Decrypt after the rotation', async () => {
    const opened = await w.kms.decrypt({ CiphertextBlob: w.ciphertext, EncryptionContext: CONTEXT });
    expect('the plaintext', opened.Plaintext, PLAINTEXT);
    expect('the material', opened.KeyMaterialId, materials[0].KeyMaterialId);
  });
}

async function schedule(w, KeyId) {
  await w.call('EnableKeyRotation', () => w.kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 180 }));
  await w.call('GetKeyRotationStatus', async () => {
    const status = await w.kms.getKeyRotationStatus({ KeyId });
    expect('the period', [status.KeyRotationEnabled, status.RotationPeriodInDays], [true, 180]);
    expect('the date', near(status.NextRotationDate, 180), true);
  });
  await w.call('DisableKeyRotation', async () => {
    await w.kms.disableKeyRotation({ KeyId });
    expect('enabled', (await w.kms.getKeyRotationStatus({ KeyId })).KeyRotationEnabled, false);
  });
}

async function deletion(w, KeyId) {
  await w.call('ScheduleKeyDeletion', async () => {
    const answer = await w.kms.scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 });
    expect('the state', [answer.KeyState, answer.PendingWindowInDays], ['PendingDeletion', 7]);
    expect('the date', near(answer.DeletionDate, 7), true);
  });
  await w.call('Encrypt with a key pending deletion', () =>
    refused('KMSInvalidStateException', w.kms.encrypt({ KeyId, Plaintext: PLAINTEXT })));
  await w.call('CancelKeyDeletion', async () => {
    await w.kms.cancelKeyDeletion({ KeyId });
    expect('the state', (await w.describe(KeyId)).KeyState, 'Disabled');
  });
}
