import static software.amazon.awssdk.services.kms.model.MultiRegionKeyType.PRIMARY;
import static software.amazon.awssdk.services.kms.model.MultiRegionKeyType.REPLICA;

import java.time.Duration;
import java.util.List;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.AlreadyExistsException;
import software.amazon.awssdk.services.kms.model.DecryptResponse;
import software.amazon.awssdk.services.kms.model.KeyMetadata;
import software.amazon.awssdk.services.kms.model.KeyState;
import software.amazon.awssdk.services.kms.model.KmsInvalidStateException;
import software.amazon.awssdk.services.kms.model.MultiRegionConfiguration;
import software.amazon.awssdk.services.kms.model.MultiRegionKey;
import software.amazon.awssdk.services.kms.model.MultiRegionKeyType;
import software.amazon.awssdk.services.kms.model.NotFoundException;
import software.amazon.awssdk.services.kms.model.ScheduleKeyDeletionResponse;
import software.amazon.awssdk.services.kms.model.UnsupportedOperationException;

/** A multi-Region key, from its creation to its deletion. */
final class Regions {
    private final Walk w;
    private String id;
    private String here;
    private String there;

    private Regions(Walk w) {
        this.w = w;
    }

    static void walk(Walk w) throws Exception {
        Regions r = new Regions(w);
        w.call("CreateKey of a multi-Region key", r::create);
        r.replication();
        w.call("DescribeKey in both Regions", () -> r.primaryIs(r.here, r.there));
        w.call("Decrypt in the other Region", () -> {
            r.travels(w.kms, w.abroad, r.there);
            r.travels(w.abroad, w.kms, r.here);
        });
        r.primary();
        r.deletion();
    }

    private void create() throws Exception {
        KeyMetadata key = w.kms.createKey(r -> r.multiRegion(true)).keyMetadata();
        id = key.keyId();
        here = key.arn();
        there = here.replace(":" + Walk.HOME + ":", ":" + Walk.ABROAD + ":");
        Walk.expect("a multi-Region key", key.multiRegion(), true);
        Walk.expect("an ID of one", id.matches("mrk-[0-9a-f]{32}"), true);
        Walk.expect("the Regions", key.multiRegionConfiguration(), configuration(PRIMARY, here));
    }

    private void replication() throws Exception {
        w.call("ReplicateKey", () -> {
            KeyMetadata key = w.kms.replicateKey(r -> r.keyId(id).replicaRegion(Walk.ABROAD)).replicaKeyMetadata();
            Walk.expect("the ARN", key.arn(), there);
            Walk.expect("the state", key.keyState(), KeyState.ENABLED);
        });
        w.call("ReplicateKey where a replica is", () -> Walk.refused(AlreadyExistsException.class,
                () -> w.kms.replicateKey(r -> r.keyId(id).replicaRegion(Walk.ABROAD))));
        w.call("ReplicateKey of a single-Region key", () -> Walk.refused(UnsupportedOperationException.class,
                () -> w.kms.replicateKey(r -> r.keyId(w.arns.get("symmetric")).replicaRegion(Walk.ABROAD))));
    }

    private void primary() throws Exception {
        w.call("UpdatePrimaryRegion", () -> {
            w.kms.updatePrimaryRegion(r -> r.keyId(id).primaryRegion(Walk.ABROAD));
            primaryIs(there, here);
        });
        w.call("UpdatePrimaryRegion where no replica is", () -> Walk.refused(NotFoundException.class,
                () -> w.abroad.updatePrimaryRegion(r -> r.keyId(id).primaryRegion("ap-south-1"))));
    }

    /** Checks that both Regions agree on the primary key, and that each names its own key. */
    private void primaryIs(String primary, String replica) throws Exception {
        List<KmsClient> clients = List.of(w.kms, w.abroad);
        List<String> arns = List.of(here, there);
        for (int i = 0; i < clients.size(); i++) {
            KeyMetadata key = clients.get(i).describeKey(r -> r.keyId(id)).keyMetadata();
            Walk.expect("the ARN", key.arn(), arns.get(i));
            MultiRegionKeyType type = key.arn().equals(primary) ? PRIMARY : REPLICA;
            Walk.expect("the Regions", key.multiRegionConfiguration(), configuration(type, primary, replica));
        }
    }

    private static MultiRegionConfiguration configuration(MultiRegionKeyType type, String primary, String... replicas) {
        return MultiRegionConfiguration.builder()
                .multiRegionKeyType(type)
                .primaryKey(located(primary))
                .replicaKeys(List.of(replicas).stream().map(Regions::located).toList())
                .build();
    }

    private static MultiRegionKey located(String arn) {
        return MultiRegionKey.builder().arn(arn).region(arn.split(":")[3]).build();
    }

    /** Checks that a ciphertext of one Region decrypts in the other, under the ARN in that Region. */
    private void travels(KmsClient from, KmsClient to, String arn) throws Exception {
        SdkBytes blob = from.encrypt(r -> r.keyId(id).plaintext(Walk.PLAINTEXT)).ciphertextBlob();
        DecryptResponse opened = to.decrypt(r -> r.ciphertextBlob(blob));
        Walk.expect("the key", opened.keyId(), arn);
        Walk.expect("the plaintext", opened.plaintext(), Walk.PLAINTEXT);
    }

    /** Deletes the primary key, which is in the other Region by now and waits for its replica. */
    private void deletion() throws Exception {
        w.call("ScheduleKeyDeletion of a primary key", () -> {
            ScheduleKeyDeletionResponse answer =
                    w.abroad.scheduleKeyDeletion(r -> r.keyId(id).pendingWindowInDays(7));
            Walk.expect("the state", answer.keyState(), KeyState.PENDING_REPLICA_DELETION);
            Walk.expect("the days", answer.pendingWindowInDays(), 7);
            Walk.expect("the date", answer.deletionDate(), null);
        });
        w.call("Encrypt with a key pending replica deletion", () -> Walk.refused(KmsInvalidStateException.class,
                () -> w.abroad.encrypt(r -> r.keyId(id).plaintext(Walk.PLAINTEXT))));
        w.call("ScheduleKeyDeletion of a replica key", () -> {
            ScheduleKeyDeletionResponse answer = w.kms.scheduleKeyDeletion(r -> r.keyId(id).pendingWindowInDays(7));
            Walk.expect("the state", answer.keyState(), KeyState.PENDING_DELETION);
            Walk.near("the deletion", answer.deletionDate(), Duration.ofDays(7));
        });
    }
}
