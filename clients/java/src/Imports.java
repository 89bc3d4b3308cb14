import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kms.model.AlgorithmSpec;
import software.amazon.awssdk.services.kms.model.ExpirationModelType;
import software.amazon.awssdk.services.kms.model.GetParametersForImportResponse;
import software.amazon.awssdk.services.kms.model.ImportKeyMaterialResponse;
import software.amazon.awssdk.services.kms.model.IncorrectKeyMaterialException;
import software.amazon.awssdk.services.kms.model.KeyMetadata;
import software.amazon.awssdk.services.kms.model.KeySpec;
import software.amazon.awssdk.services.kms.model.KeyState;
import software.amazon.awssdk.services.kms.model.KeyUsageType;
import software.amazon.awssdk.services.kms.model.KmsInvalidStateException;
import software.amazon.awssdk.services.kms.model.MacAlgorithmSpec;
import software.amazon.awssdk.services.kms.model.OriginType;
import software.amazon.awssdk.services.kms.model.WrappingKeySpec;

/** Key material of our own. */
final class Imports {
    private final Walk w;
    private String arn;
    private GetParametersForImportResponse params;
    private String materialId;
    private SdkBytes ciphertext;

    private Imports(Walk w) {
        this.w = w;
    }

    static void walk(Walk w) throws Exception {
        byte[] material = randomBytes();
        new Imports(w).walk(material);
        w.call("ImportKeyMaterial HMAC_256", () -> new Imports(w).macKey(material));
    }

    private void walk(byte[] material) throws Exception {
        w.call("CreateKey of origin EXTERNAL", () -> {
            KeyMetadata key = w.kms.createKey(r -> r.origin(OriginType.EXTERNAL)).keyMetadata();
            Walk.expect("the state", key.keyState(), KeyState.PENDING_IMPORT);
            arn = key.arn();
        });
        w.call("GetParametersForImport", () -> {
            parameters();
            Walk.near("the end of the parameters", params.parametersValidTo(), Duration.ofDays(1));
        });
        w.call("ImportKeyMaterial", () -> first(material));
        w.call("Encrypt with imported material", () -> ciphertext = w.kms.encrypt(
                r -> r.keyId(arn).plaintext(Walk.PLAINTEXT).encryptionContext(Walk.CONTEXT)).ciphertextBlob());
        w.call("DeleteImportedKeyMaterial", () -> {
            w.kms.deleteImportedKeyMaterial(r -> r.keyId(arn));
            Walk.expect("the state", w.describe(arn).keyState(), KeyState.PENDING_IMPORT);
        });
        w.call("Encrypt without material", () -> Walk.refused(KmsInvalidStateException.class,
                () -> w.kms.encrypt(r -> r.keyId(arn).plaintext(Walk.PLAINTEXT))));
        w.call("ImportKeyMaterial of other bytes", () -> Walk.refused(IncorrectKeyMaterialException.class,
                () -> bring(randomBytes(), null)));
        w.call("ImportKeyMaterial again", () -> {
            parameters();
            Walk.expect("the material", bring(material, null).keyMaterialId(), materialId);
        });
        w.call("Decrypt with imported material", () ->
                Walk.expect("the plaintext", Symmetric.open(w, ciphertext).plaintext(), Walk.PLAINTEXT));
    }

    private void first(byte[] material) throws Exception {
        Instant validTo = Instant.now().plus(Duration.ofDays(90)).truncatedTo(ChronoUnit.SECONDS);
        materialId = bring(material, validTo).keyMaterialId();
        KeyMetadata key = w.describe(arn);
        Walk.expect("the state", key.keyState(), KeyState.ENABLED);
        Walk.expect("the expiration", key.expirationModel(), ExpirationModelType.KEY_MATERIAL_EXPIRES);
        Walk.expect("the date", key.validTo(), validTo);
    }

    private void macKey(byte[] material) throws Exception {
        arn = w.kms.createKey(r -> r.origin(OriginType.EXTERNAL)
                .keySpec(KeySpec.HMAC_256).keyUsage(KeyUsageType.GENERATE_VERIFY_MAC)).keyMetadata().arn();
        parameters();
        bring(material, null);
        Mac ours = Mac.getInstance("HmacSHA256");
        ours.init(new SecretKeySpec(material, "HmacSHA256"));
        SdkBytes theirs = w.kms.generateMac(r -> r.keyId(arn)
                .message(Walk.PLAINTEXT).macAlgorithm(MacAlgorithmSpec.HMAC_SHA_256)).mac();
        Walk.expect("the code", theirs, SdkBytes.fromByteArray(ours.doFinal(Walk.PLAINTEXT.asByteArray())));
    }

    private void parameters() throws Exception {
        params = w.kms.getParametersForImport(r -> r.keyId(arn)
                .wrappingAlgorithm(AlgorithmSpec.RSAES_OAEP_SHA_256).wrappingKeySpec(WrappingKeySpec.RSA_2048));
        Walk.expect("the key", params.keyId(), arn);
        RSAPublicKey key = (RSAPublicKey) Signatures.parsePublic("RSA", params.publicKey());
        Walk.expect("its bits", key.getModulus().bitLength(), 2048);
    }

    /** Wraps material and imports it. With a date, the material expires then. */
    private ImportKeyMaterialResponse bring(byte[] material, Instant validTo) throws Exception {
        SdkBytes wrapped = encryptOAEP(Signatures.parsePublic("RSA", params.publicKey()), material);
        return w.kms.importKeyMaterial(r -> r.keyId(arn)
                .importToken(params.importToken()).encryptedKeyMaterial(wrapped).validTo(validTo)
                .expirationModel(validTo == null
                        ? ExpirationModelType.KEY_MATERIAL_DOES_NOT_EXPIRE
                        : ExpirationModelType.KEY_MATERIAL_EXPIRES));
    }

    /** RSAES-OAEP with SHA-256 for OAEP and MGF1. The JDK's default for MGF1 is SHA-1. */
    static SdkBytes encryptOAEP(PublicKey key, byte[] plaintext) throws Exception {
        Cipher oaep = Cipher.getInstance("RSA/ECB/OAEPWithSHA-256AndMGF1Padding");
        oaep.init(Cipher.ENCRYPT_MODE, key, new OAEPParameterSpec(
                "SHA-256", "MGF1", MGF1ParameterSpec.SHA256, PSource.PSpecified.DEFAULT));
        return SdkBytes.fromByteArray(oaep.doFinal(plaintext));
    }

    private static byte[] randomBytes() {
        byte[] b = new byte[32];
        new SecureRandom().nextBytes(b);
        return b;
    }
}
