import static software.amazon.awssdk.services.kms.model.EncryptionAlgorithmSpec.RSAES_OAEP_SHA_256;

import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import javax.crypto.KeyAgreement;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kms.model.DataKeyPairSpec;
import software.amazon.awssdk.services.kms.model.DecryptResponse;
import software.amazon.awssdk.services.kms.model.EncapsulateResponse;
import software.amazon.awssdk.services.kms.model.EncapsulationAlgorithmSpec;
import software.amazon.awssdk.services.kms.model.GenerateDataKeyPairResponse;
import software.amazon.awssdk.services.kms.model.GenerateDataKeyPairWithoutPlaintextResponse;
import software.amazon.awssdk.services.kms.model.KeyAgreementAlgorithmSpec;

/** Shared secrets, key pairs, and encryption under RSA. */
final class Agreement {
    static void walk(Walk w) throws Exception {
        w.call("DeriveSharedSecret", () -> derive(w, w.arns.get("p256 agree")));
        encapsulation(w, w.arns.get("ml-kem"));
        pairs(w, w.arns.get("symmetric"));
        rsa(w, w.arns.get("rsa encrypt"));
    }

    private static void derive(Walk w, String arn) throws Exception {
        KeyPairGenerator p256 = KeyPairGenerator.getInstance("EC");
        p256.initialize(new ECGenParameterSpec("secp256r1"));
        KeyPair ours = p256.generateKeyPair();
        SdkBytes secret = w.kms.deriveSharedSecret(r -> r.keyId(arn)
                .keyAgreementAlgorithm(KeyAgreementAlgorithmSpec.ECDH)
                .publicKey(SdkBytes.fromByteArray(ours.getPublic().getEncoded()))).sharedSecret();
        KeyAgreement ecdh = KeyAgreement.getInstance("ECDH");
        ecdh.init(ours.getPrivate());
        ecdh.doPhase(Signatures.parsePublic("EC", w.kms.getPublicKey(r -> r.keyId(arn)).publicKey()), true);
        Walk.expect("the secret", secret, SdkBytes.fromByteArray(ecdh.generateSecret()));
    }

    private static void encapsulation(Walk w, String arn) throws Exception {
        EncapsulationAlgorithmSpec algorithm = EncapsulationAlgorithmSpec.ML_KEM;
        EncapsulateResponse[] made = new EncapsulateResponse[1];
        w.call("Encapsulate", () -> {
            made[0] = w.kms.encapsulate(r -> r.keyId(arn).encapsulationAlgorithm(algorithm));
            Walk.expect("the bytes of the secret", made[0].sharedSecret().asByteArray().length, 32);
            Walk.expect("the bytes sent", made[0].sharedSecretCiphertextBlob().asByteArray().length, 1088);
        });
        w.call("Decapsulate", () -> Walk.expect("the secret", w.kms.decapsulate(r -> r.keyId(arn)
                .encapsulationAlgorithm(algorithm).sharedSecretCiphertextBlob(made[0].sharedSecretCiphertextBlob()))
                .sharedSecret(), made[0].sharedSecret()));
    }

    private static void pairs(Walk w, String arn) throws Exception {
        DataKeyPairSpec spec = DataKeyPairSpec.ECC_NIST_P256;
        w.call("GenerateDataKeyPair", () -> {
            GenerateDataKeyPairResponse answer = w.kms.generateDataKeyPair(
                    r -> r.keyId(arn).keyPairSpec(spec).encryptionContext(Walk.CONTEXT));
            fit(answer.privateKeyPlaintext(), answer.publicKey());
            SdkBytes opened = Symmetric.open(w, answer.privateKeyCiphertextBlob()).plaintext();
            Walk.expect("the private half", opened, answer.privateKeyPlaintext());
        });
        w.call("GenerateDataKeyPairWithoutPlaintext", () -> {
            GenerateDataKeyPairWithoutPlaintextResponse answer = w.kms.generateDataKeyPairWithoutPlaintext(
                    r -> r.keyId(arn).keyPairSpec(spec).encryptionContext(Walk.CONTEXT));
            fit(Symmetric.open(w, answer.privateKeyCiphertextBlob()).plaintext(), answer.publicKey());
        });
    }

    /** Checks that the public half verifies a signature of the private half: the JDK does not compute public keys. */
    private static void fit(SdkBytes privateHalf, SdkBytes publicHalf) throws Exception {
        PrivateKey key = KeyFactory.getInstance("EC")
                .generatePrivate(new PKCS8EncodedKeySpec(privateHalf.asByteArray()));
        Signature ecdsa = Signature.getInstance("SHA256withECDSA");
        ecdsa.initSign(key);
        ecdsa.update(Walk.PLAINTEXT.asByteArray());
        byte[] signature = ecdsa.sign();
        ecdsa.initVerify(Signatures.parsePublic("EC", publicHalf));
        ecdsa.update(Walk.PLAINTEXT.asByteArray());
        Walk.expect("the halves fit", ecdsa.verify(signature), true);
    }

    private static void rsa(Walk w, String arn) throws Exception {
        w.call("Encrypt RSAES_OAEP_SHA_256", () -> {
            SdkBytes blob = w.kms.encrypt(r -> r.keyId(arn)
                    .encryptionAlgorithm(RSAES_OAEP_SHA_256).plaintext(Walk.PLAINTEXT)).ciphertextBlob();
            Walk.expect("the plaintext", open(w, arn, blob).plaintext(), Walk.PLAINTEXT);
        });
        w.call("Decrypt RSAES_OAEP_SHA_256", () -> {
            SdkBytes key = w.kms.getPublicKey(r -> r.keyId(arn)).publicKey();
            SdkBytes ours = Imports.encryptOAEP(Signatures.parsePublic("RSA", key), Walk.PLAINTEXT.asByteArray());
            DecryptResponse opened = open(w, arn, ours);
            Walk.expect("the plaintext", opened.plaintext(), Walk.PLAINTEXT);
            Walk.expect("the key", opened.keyId(), arn);
        });
    }

    private static DecryptResponse open(Walk w, String arn, SdkBytes blob) {
        return w.kms.decrypt(r -> r.keyId(arn).encryptionAlgorithm(RSAES_OAEP_SHA_256).ciphertextBlob(blob));
    }
}
