import static software.amazon.awssdk.services.kms.model.SigningAlgorithmSpec.ECDSA_SHA_256;
import static software.amazon.awssdk.services.kms.model.SigningAlgorithmSpec.ED25519_SHA_512;
import static software.amazon.awssdk.services.kms.model.SigningAlgorithmSpec.ML_DSA_SHAKE_256;
import static software.amazon.awssdk.services.kms.model.SigningAlgorithmSpec.RSASSA_PSS_SHA_256;

import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kms.model.GetPublicKeyResponse;
import software.amazon.awssdk.services.kms.model.KeySpec;
import software.amazon.awssdk.services.kms.model.KeyUsageType;
import software.amazon.awssdk.services.kms.model.KmsInvalidMacException;
import software.amazon.awssdk.services.kms.model.KmsInvalidSignatureException;
import software.amazon.awssdk.services.kms.model.MacAlgorithmSpec;
import software.amazon.awssdk.services.kms.model.MessageType;
import software.amazon.awssdk.services.kms.model.SignResponse;
import software.amazon.awssdk.services.kms.model.SigningAlgorithmSpec;

/** Signatures, verified with only the public key and by the server, and MACs. */
final class Signatures {
    /** Verifies a signature with a public key. */
    private interface Check {
        void check(SdkBytes publicKey, SdkBytes signature) throws Exception;
    }

    static void walk(Walk w) throws Exception {
        String rsa = w.arns.get("rsa sign");
        w.call("GetPublicKey", () -> getPublicKey(w, rsa));
        SdkBytes signature = sign(w, "RSASSA_PSS_SHA_256", rsa, RSASSA_PSS_SHA_256, MessageType.RAW, Walk.PLAINTEXT,
                (key, s) -> verify(pss(), parsePublic("RSA", key), s));
        w.call("Verify of another message", () -> Walk.refused(KmsInvalidSignatureException.class,
                () -> w.kms.verify(r -> r.keyId(rsa).signingAlgorithm(RSASSA_PSS_SHA_256)
                        .message(Walk.OTHER).signature(signature))));
        SdkBytes digest = SdkBytes.fromByteArray(
                MessageDigest.getInstance("SHA-256").digest(Walk.PLAINTEXT.asByteArray()));
        sign(w, "ECDSA_SHA_256", w.arns.get("p256 sign"), ECDSA_SHA_256, MessageType.DIGEST, digest,
                (key, s) -> verify(Signature.getInstance("SHA256withECDSA"), parsePublic("EC", key), s));
        sign(w, "ED25519_SHA_512", w.arns.get("ed25519"), ED25519_SHA_512, MessageType.RAW, Walk.PLAINTEXT,
                (key, s) -> verify(Signature.getInstance("Ed25519"), parsePublic("Ed25519", key), s));
        sign(w, "ECDSA_SHA_256 on secp256k1", w.arns.get("secp256k1"), ECDSA_SHA_256, MessageType.RAW, Walk.PLAINTEXT,
                (key, s) -> {}); // the JDK has no such curve since version 16
        sign(w, "ML_DSA_SHAKE_256", w.arns.get("ml-dsa"), ML_DSA_SHAKE_256, MessageType.RAW, Walk.PLAINTEXT,
                (key, s) -> Walk.expect("the number of bytes", s.asByteArray().length, 2420));
        codes(w, w.arns.get("hmac"));
    }

    private static void getPublicKey(Walk w, String arn) throws Exception {
        GetPublicKeyResponse answer = w.kms.getPublicKey(r -> r.keyId(arn));
        RSAPublicKey key = (RSAPublicKey) parsePublic("RSA", answer.publicKey());
        Walk.expect("the bits", key.getModulus().bitLength(), 2048);
        Walk.expect("the usage", answer.keyUsage(), KeyUsageType.SIGN_VERIFY);
        Walk.expect("the spec", answer.keySpec(), KeySpec.RSA_2048);
        Walk.expect("PSS is there", answer.signingAlgorithms().contains(RSASSA_PSS_SHA_256), true);
    }

    /** Signs, and verifies the signature with the public key and with the server. */
    private static SdkBytes sign(Walk w, String name, String arn, SigningAlgorithmSpec algorithm, MessageType type,
            SdkBytes message, Check check) throws Exception {
        SdkBytes[] signature = new SdkBytes[1];
        w.call("Sign " + name, () -> {
            SignResponse answer = w.kms.sign(
                    r -> r.keyId(arn).signingAlgorithm(algorithm).messageType(type).message(message));
            Walk.expect("the key", answer.keyId(), arn);
            Walk.expect("the algorithm", answer.signingAlgorithm(), algorithm);
            signature[0] = answer.signature();
            check.check(w.kms.getPublicKey(r -> r.keyId(arn)).publicKey(), signature[0]);
        });
        w.call("Verify " + name, () -> Walk.expect("valid", w.kms.verify(r -> r.keyId(arn)
                .signingAlgorithm(algorithm).messageType(type).message(message).signature(signature[0]))
                .signatureValid(), true));
        return signature[0];
    }

    private static void codes(Walk w, String arn) throws Exception {
        MacAlgorithmSpec algorithm = MacAlgorithmSpec.HMAC_SHA_256;
        SdkBytes[] mac = new SdkBytes[1];
        w.call("GenerateMac", () -> {
            mac[0] = w.kms.generateMac(r -> r.keyId(arn).macAlgorithm(algorithm).message(Walk.PLAINTEXT)).mac();
            Walk.expect("the number of bytes", mac[0].asByteArray().length, 32);
        });
        w.call("VerifyMac", () -> Walk.expect("valid", w.kms.verifyMac(
                r -> r.keyId(arn).macAlgorithm(algorithm).message(Walk.PLAINTEXT).mac(mac[0])).macValid(), true));
        w.call("VerifyMac of another message", () -> Walk.refused(KmsInvalidMacException.class,
                () -> w.kms.verifyMac(r -> r.keyId(arn).macAlgorithm(algorithm).message(Walk.OTHER).mac(mac[0]))));
    }

    private static Signature pss() throws Exception {
        Signature pss = Signature.getInstance("RSASSA-PSS");
        pss.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
        return pss;
    }

    private static void verify(Signature scheme, PublicKey key, SdkBytes signature) throws Exception {
        scheme.initVerify(key);
        scheme.update(Walk.PLAINTEXT.asByteArray());
        Walk.expect("the signature fits", scheme.verify(signature.asByteArray()), true);
    }

    static PublicKey parsePublic(String algorithm, SdkBytes der) throws Exception {
        return KeyFactory.getInstance(algorithm).generatePublic(new X509EncodedKeySpec(der.asByteArray()));
    }
}
