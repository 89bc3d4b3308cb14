// Signatures, verified with only the public key and by the server, and MACs.

import { constants, createHash, createPublicKey, verify } from 'node:crypto';
import { PLAINTEXT, expect, refused } from './walk.js';

export default async function signatures(w) {
  const rsa = { KeyId: w.arns['rsa sign'], SigningAlgorithm: 'RSASSA_PSS_SHA_256', MessageType: 'RAW' };
  await w.call('GetPublicKey', async () => {
    const answer = await w.kms.getPublicKey({ KeyId: rsa.KeyId });
    expect('the bits', parsePublic(answer.PublicKey).asymmetricKeyDetails.modulusLength, 2048);
    expect('the usage', [answer.KeyUsage, answer.KeySpec], ['SIGN_VERIFY', 'RSA_2048']);
    expect('PSS is there', answer.SigningAlgorithms.includes(rsa.SigningAlgorithm), true);
  });
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const Signature = await sign(w, 'RSASSA_PSS_SHA_256', rsa, (der, s) =>
    verify('sha256', PLAINTEXT, { key: parsePublic(der), ...pss }, s));
  await w.call('Verify of another message', () => refused('KMSInvalidSignatureException',
    w.kms.verify({ ...rsa, Message: Buffer.concat([PLAINTEXT, Buffer.from('!')]), Signature })));
  await sign(w, 'ECDSA_SHA_256',
    { KeyId: w.arns['p256 sign'], SigningAlgorithm: 'ECDSA_SHA_256', MessageType: 'DIGEST' },
    (der, s) => verify('sha256', PLAINTEXT, parsePublic(der), s),
    createHash('sha256').update(PLAINTEXT).digest());
  await sign(w, 'ED25519_SHA_512',
    { KeyId: w.arns.ed25519, SigningAlgorithm: 'ED25519_SHA_512', MessageType: 'RAW' },
    (der, s) => verify(null, PLAINTEXT, parsePublic(der), s));
  await sign(w, 'ECDSA_SHA_256 on secp256k1',
    { KeyId: w.arns.secp256k1, SigningAlgorithm: 'ECDSA_SHA_256', MessageType: 'RAW' },
    (der, s) => verify('sha256', PLAINTEXT, parsePublic(der), s));
  await sign(w, 'ML_DSA_SHAKE_256',
    { KeyId: w.arns['ml-dsa'], SigningAlgorithm: 'ML_DSA_SHAKE_256', MessageType: 'RAW' },
    (_, s) => s.length === 2420);
  await codes(w, { KeyId: w.arns.hmac, MacAlgorithm: 'HMAC_SHA_256' });
}

// sign signs, and verifies the signature with the public key and with the server.
async function sign(w, name, members, fits, Message = PLAINTEXT) {
  const { KeyId, SigningAlgorithm } = members;
  let Signature;
  await w.call(`Sign ${name}`, async () => {
    const answer = await w.kms.sign({ ...members, Message });
    expect('the key', [answer.KeyId, answer.SigningAlgorithm], [KeyId, SigningAlgorithm]);
    ({ Signature } = answer);
    const { PublicKey } = await w.kms.getPublicKey({ KeyId });
    expect('the signature fits', fits(PublicKey, Signature), true);
  });
  await w.call(`Verify ${name}`, async () => {
    const answer = await w.kms.verify({ ...members, Message, Signature });
    expect('valid', answer.SignatureValid, true);
  });
  return Signature;
}

async function codes(w, members) {
  let Mac;
  await w.call('GenerateMac', async () => {
    ({ Mac } = await w.kms.generateMac({ ...members, Message: PLAINTEXT }));
    expect('the number of bytes', Mac.length, 32);
  });
  await w.call('VerifyMac', async () => {
    expect('valid', (await w.kms.verifyMac({ ...members, Message: PLAINTEXT, Mac })).MacValid, true);
  });
  await w.call('VerifyMac of another message', () => refused('KMSInvalidMacException',
    w.kms.verifyMac({ ...members, Message: Buffer.concat([PLAINTEXT, Buffer.from('!')]), Mac })));
}

export function parsePublic(der) {
  return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
}
