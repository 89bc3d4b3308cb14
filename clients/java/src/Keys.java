import java.util.List;
import software.amazon.awssdk.services.kms.model.KeyListEntry;
import software.amazon.awssdk.services.kms.model.KeyMetadata;
import software.amazon.awssdk.services.kms.model.ListKeysResponse;
import software.amazon.awssdk.services.kms.model.NotFoundException;

/** Keys of every family. */
final class Keys {
    private record Family(String name, String spec, String usage, String label) {}

    private static final List<Family> FAMILIES = List.of(
            new Family("symmetric", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "CreateKey SYMMETRIC_DEFAULT"),
            new Family("rsa sign", "RSA_2048", "SIGN_VERIFY", "CreateKey RSA_2048 to sign"),
            new Family("rsa encrypt", "RSA_2048", "ENCRYPT_DECRYPT", "CreateKey RSA_2048 to encrypt"),
            new Family("p256 sign", "ECC_NIST_P256", "SIGN_VERIFY", "CreateKey ECC_NIST_P256 to sign"),
            new Family("p256 agree", "ECC_NIST_P256", "KEY_AGREEMENT", "CreateKey ECC_NIST_P256 to agree"),
            new Family("secp256k1", "ECC_SECG_P256K1", "SIGN_VERIFY", "CreateKey ECC_SECG_P256K1 to sign"),
            new Family("ed25519", "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "CreateKey ECC_NIST_EDWARDS25519 to sign"),
            new Family("hmac", "HMAC_256", "GENERATE_VERIFY_MAC", "CreateKey HMAC_256"),
            new Family("ml-dsa", "ML_DSA_44", "SIGN_VERIFY", "CreateKey ML_DSA_44"),
            new Family("ml-kem", "ML_KEM_768", "ENCAPSULATE_DECAPSULATE", "CreateKey ML_KEM_768"));
    private static final String DESCRIPTION = "Schlüssel für das Archiv, 鍵";
    private static final String NO_KEY = "00000000-0000-4000-8000-000000000000";

    static void walk(Walk w) throws Exception {
        KeyMetadata[] created = new KeyMetadata[1];
        for (Family f : FAMILIES) {
            w.call(f.label, () -> created[0] = create(w, f));
        }
        w.call("DescribeKey", () -> Walk.expect("the metadata", w.describe(created[0].keyId()), created[0]));
        w.call("DescribeKey of no key", () -> Walk.refused(NotFoundException.class, () -> w.describe(NO_KEY)));
        w.call("UpdateKeyDescription", () -> {
            String arn = w.arns.get("symmetric");
            w.kms.updateKeyDescription(r -> r.keyId(arn).description(DESCRIPTION));
            Walk.expect("the description", w.describe(arn).description(), DESCRIPTION);
        });
        w.call("ListKeys", () -> list(w));
    }

    private static KeyMetadata create(Walk w, Family f) throws Exception {
        KeyMetadata key = w.kms.createKey(r -> r.keySpec(f.spec).keyUsage(f.usage)).keyMetadata();
        w.arns.put(f.name, key.arn());
        List<String> got = List.of(
                key.keySpecAsString(), key.keyUsageAsString(), key.keyStateAsString(), key.originAsString());
        Walk.expect("the key", got, List.of(f.spec, f.usage, "Enabled", "AWS_KMS"));
        return key;
    }

    private static void list(Walk w) throws Exception {
        List<String> ours = w.arns.values().stream().sorted().toList();
        List<ListKeysResponse> pages = w.kms.listKeysPaginator(r -> r.limit(3)).stream().toList();
        Walk.expect("pages of more than 3", pages.stream().filter(p -> p.keys().size() > 3).count(), 0L);
        List<String> seen = pages.stream().flatMap(p -> p.keys().stream())
                .map(KeyListEntry::keyArn).filter(ours::contains).sorted().toList();
        Walk.expect("our keys", seen, ours);
    }
}
