import static software.amazon.awssdk.services.kms.model.EncryptionAlgorithmSpec.RSAES_OAEP_SHA_1;
import static software.amazon.awssdk.services.kms.model.EncryptionAlgorithmSpec.SYMMETRIC_DEFAULT;

import java.util.List;
import java.util.Map;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kms.model.DataKeySpec;
import software.amazon.awssdk.services.kms.model.DecryptResponse;
import software.amazon.awssdk.services.kms.model.DisabledException;
import software.amazon.awssdk.services.kms.model.DryRunOperationException;
import software.amazon.awssdk.services.kms.model.EncryptResponse;
import software.amazon.awssdk.services.kms.model.GenerateDataKeyResponse;
import software.amazon.awssdk.services.kms.model.InvalidCiphertextException;
import software.amazon.awssdk.services.kms.model.ReEncryptResponse;

/** Encryption under a symmetric key, data keys and random bytes. */
final class Symmetric {
    static void walk(Walk w) throws Exception {
        String arn = w.arns.get("symmetric");
        encryption(w, arn);
        dataKeys(w, arn);
        w.call("ReEncrypt", () -> move(w, arn, w.arns.get("rsa encrypt")));
        w.call("GenerateRandom", () -> {
            SdkBytes some = w.kms.generateRandom(r -> r.numberOfBytes(1024)).plaintext();
            SdkBytes others = w.kms.generateRandom(r -> r.numberOfBytes(1024)).plaintext();
            Walk.expect("the number of bytes", some.asByteArray().length, 1024);
            Walk.expect("the same bytes again", some.equals(others), false);
        });
        w.call("DisableKey", () -> {
            w.kms.disableKey(r -> r.keyId(arn));
            Walk.refused(DisabledException.class, () -> w.kms.encrypt(r -> r.keyId(arn).plaintext(Walk.PLAINTEXT)));
        });
        w.call("EnableKey", () -> {
            w.kms.enableKey(r -> r.keyId(arn));
            w.kms.encrypt(r -> r.keyId(arn).plaintext(Walk.PLAINTEXT));
        });
    }

    private static void encryption(Walk w, String arn) throws Exception {
        w.call("Encrypt", () -> {
            EncryptResponse answer = w.kms.encrypt(
                    r -> r.keyId(arn).plaintext(Walk.PLAINTEXT).encryptionContext(Walk.CONTEXT));
            Walk.expect("the key", answer.keyId(), arn);
            Walk.expect("the algorithm", answer.encryptionAlgorithm(), SYMMETRIC_DEFAULT);
            w.ciphertext = answer.ciphertextBlob();
        });
        w.call("Decrypt", () -> {
            DecryptResponse answer = open(w, w.ciphertext);
            Walk.expect("the plaintext", answer.plaintext(), Walk.PLAINTEXT);
            Walk.expect("the key", answer.keyId(), arn);
        });
        w.call("Decrypt in another context", () -> Walk.refused(InvalidCiphertextException.class,
                () -> w.kms.decrypt(r -> r.ciphertextBlob(w.ciphertext).encryptionContext(Map.of("room", "cellar")))));
        w.call("Encrypt as a dry run", () -> Walk.refused(DryRunOperationException.class,
                () -> w.kms.encrypt(r -> r.keyId(arn).plaintext(Walk.PLAINTEXT).dryRun(true))));
        w.call("Encrypt of 4,097 bytes", () -> Walk.refused("ValidationException",
                () -> w.kms.encrypt(r -> r.keyId(arn).plaintext(SdkBytes.fromByteArray(new byte[4097])))));
    }

    private static void dataKeys(Walk w, String arn) throws Exception {
        w.call("GenerateDataKey", () -> {
            GenerateDataKeyResponse answer = w.kms.generateDataKey(
                    r -> r.keyId(arn).keySpec(DataKeySpec.AES_256).encryptionContext(Walk.CONTEXT));
            Walk.expect("the number of bytes", answer.plaintext().asByteArray().length, 32);
            Walk.expect("the data key", open(w, answer.ciphertextBlob()).plaintext(), answer.plaintext());
        });
        w.call("GenerateDataKeyWithoutPlaintext", () -> {
            SdkBytes blob = w.kms.generateDataKeyWithoutPlaintext(
                    r -> r.keyId(arn).numberOfBytes(32).encryptionContext(Walk.CONTEXT)).ciphertextBlob();
            Walk.expect("the number of bytes", open(w, blob).plaintext().asByteArray().length, 32);
        });
    }

    /** Moves the ciphertext of Encrypt under another key, and decrypts it there. */
    private static void move(Walk w, String from, String to) throws Exception {
        ReEncryptResponse moved = w.kms.reEncrypt(r -> r
                .ciphertextBlob(w.ciphertext).sourceEncryptionContext(Walk.CONTEXT)
                .destinationKeyId(to).destinationEncryptionAlgorithm(RSAES_OAEP_SHA_1));
        Walk.expect("the keys", List.of(moved.sourceKeyId(), moved.keyId()), List.of(from, to));
        DecryptResponse opened = w.kms.decrypt(r -> r
                .ciphertextBlob(moved.ciphertextBlob()).keyId(to).encryptionAlgorithm(RSAES_OAEP_SHA_1));
        Walk.expect("the plaintext", opened.plaintext(), Walk.PLAINTEXT);
    }

    static DecryptResponse open(Walk w, SdkBytes blob) {
        return w.kms.decrypt(r -> r.ciphertextBlob(blob).encryptionContext(Walk.CONTEXT));
    }
}
