import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kms.model.CreateGrantRequest;
import software.amazon.awssdk.services.kms.model.CreateGrantResponse;
import software.amazon.awssdk.services.kms.model.DecryptResponse;
import software.amazon.awssdk.services.kms.model.GrantConstraints;
import software.amazon.awssdk.services.kms.model.GrantListEntry;
import software.amazon.awssdk.services.kms.model.GrantOperation;
import software.amazon.awssdk.services.kms.model.InvalidGrantTokenException;
import software.amazon.awssdk.services.kms.model.NotFoundException;

/** Creation, use and end of grants. */
final class Grants {
    private static final List<GrantOperation> OPERATIONS = List.of(GrantOperation.DECRYPT, GrantOperation.ENCRYPT);
    private static final GrantConstraints CONSTRAINTS =
            GrantConstraints.builder().encryptionContextSubset(Walk.CONTEXT).build();

    private final Walk w;
    private final String arn;
    private final String grantee;
    private final String retirer;
    private CreateGrantResponse named;
    private String revoked;

    private Grants(Walk w) {
        this.w = w;
        arn = w.arns.get("symmetric");
        String account = "arn:aws:iam::" + arn.split(":")[4];
        grantee = account + ":role/archivist";
        retirer = account + ":user/auditor-" + UUID.randomUUID();
    }

    static void walk(Walk w) throws Exception {
        Grants g = new Grants(w);
        g.creation();
        g.listing();
        g.tokens();
        g.ends();
    }

    private void creation() throws Exception {
        w.call("CreateGrant", () -> {
            named = create("archive");
            Walk.expect("no ID", named.grantId().isEmpty(), false);
            Walk.expect("no token", named.grantToken().isEmpty(), false);
        });
        w.call("CreateGrant of the same name", () -> {
            CreateGrantResponse again = create("archive");
            Walk.expect("the grant", again.grantId(), named.grantId());
            Walk.expect("the same token", again.grantToken().equals(named.grantToken()), false);
        });
    }

    /** Creates a grant. All grants here differ only in their names. */
    private CreateGrantResponse create(String name) {
        return w.kms.createGrant(CreateGrantRequest.builder()
                .keyId(arn).name(name).granteePrincipal(grantee).retiringPrincipal(retirer)
                .operations(OPERATIONS).constraints(CONSTRAINTS).build());
    }

    private void listing() throws Exception {
        w.call("ListGrants", () -> {
            List<GrantListEntry> listed = w.kms.listGrants(r -> r.keyId(arn)).grants();
            Walk.expect("the grants", ids(listed), List.of(named.grantId()));
            GrantListEntry grant = listed.get(0);
            Walk.expect("the names",
                    Arrays.asList(grant.keyId(), grant.name(), grant.granteePrincipal(), grant.retiringPrincipal()),
                    List.of(arn, "archive", grantee, retirer));
            Walk.expect("the operations", grant.operations().stream().sorted().toList(), OPERATIONS);
            Walk.expect("the constraints", grant.constraints(), CONSTRAINTS);
            Walk.near("the creation", grant.creationDate(), Duration.ZERO);
        });
        w.call("ListRetirableGrants", () -> Walk.expect("the grants",
                ids(w.kms.listRetirableGrants(r -> r.retiringPrincipal(retirer)).grants()), List.of(named.grantId())));
    }

    private void tokens() throws Exception {
        w.call("Encrypt with a grant token", () -> {
            SdkBytes blob = encrypt(named.grantToken());
            DecryptResponse opened = w.kms.decrypt(r -> r
                    .ciphertextBlob(blob).encryptionContext(Walk.CONTEXT).grantTokens(named.grantToken()));
            Walk.expect("the plaintext", opened.plaintext(), Walk.PLAINTEXT);
            Walk.expect("the key", opened.keyId(), arn);
        });
        w.call("Encrypt with a token of no grant",
                () -> Walk.refused(InvalidGrantTokenException.class, () -> encrypt("made-up")));
    }

    private SdkBytes encrypt(String token) {
        return w.kms.encrypt(r -> r.keyId(arn).plaintext(Walk.PLAINTEXT)
                .encryptionContext(Walk.CONTEXT).grantTokens(token)).ciphertextBlob();
    }

    private void ends() throws Exception {
        w.call("RetireGrant by its token", () -> {
            w.kms.retireGrant(r -> r.grantToken(named.grantToken()));
            noneLeft();
        });
        w.call("Encrypt with the token of a retired grant",
                () -> Walk.refused(InvalidGrantTokenException.class, () -> encrypt(named.grantToken())));
        w.call("RetireGrant by its ID", () -> {
            String id = create("to-retire").grantId();
            w.kms.retireGrant(r -> r.keyId(arn).grantId(id));
            noneLeft();
        });
        w.call("RevokeGrant", () -> {
            revoked = create("to-revoke").grantId();
            w.kms.revokeGrant(r -> r.keyId(arn).grantId(revoked));
            noneLeft();
        });
        w.call("RevokeGrant of no grant", () -> Walk.refused(NotFoundException.class,
                () -> w.kms.revokeGrant(r -> r.keyId(arn).grantId(revoked))));
    }

    private void noneLeft() throws Exception {
        Walk.expect("the grants", ids(w.kms.listGrants(r -> r.keyId(arn)).grants()), List.of());
    }

    private static List<String> ids(List<GrantListEntry> grants) {
        return grants.stream().map(GrantListEntry::grantId).toList();
    }
}
