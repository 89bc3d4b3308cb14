import java.time.Duration;
import java.util.List;
import software.amazon.awssdk.services.kms.model.DecryptResponse;
import software.amazon.awssdk.services.kms.model.GetKeyRotationStatusResponse;
import software.amazon.awssdk.services.kms.model.IncludeKeyMaterial;
import software.amazon.awssdk.services.kms.model.KeyLastUsageData;
import software.amazon.awssdk.services.kms.model.KeyLastUsageTrackingOperation;
import software.amazon.awssdk.services.kms.model.KeyMaterialState;
import software.amazon.awssdk.services.kms.model.KeyState;
import software.amazon.awssdk.services.kms.model.KmsInvalidStateException;
import software.amazon.awssdk.services.kms.model.RotationType;
import software.amazon.awssdk.services.kms.model.RotationsListEntry;
import software.amazon.awssdk.services.kms.model.ScheduleKeyDeletionResponse;

/** Rotation, the last usage and deletion. */
final class Life {
    static void walk(Walk w) throws Exception {
        String arn = w.arns.get("symmetric");
        rotation(w, arn);
        schedule(w, arn);
        w.call("GetKeyLastUsage", () -> {
            KeyLastUsageData usage = w.kms.getKeyLastUsage(r -> r.keyId(arn)).keyLastUsage();
            Walk.expect("the operation", usage.operation(), KeyLastUsageTrackingOperation.DECRYPT);
            Walk.near("the time", usage.timestamp(), Duration.ZERO);
        });
        deletion(w, arn);
    }

    private static void rotation(Walk w, String arn) throws Exception {
        w.call("RotateKeyOnDemand", () -> w.kms.rotateKeyOnDemand(r -> r.keyId(arn)));
        String[] first = new String[1];
        w.call("ListKeyRotations", () -> {
            List<RotationsListEntry> rotations = w.kms.listKeyRotations(r -> r.keyId(arn)).rotations();
            Walk.expect("the rotations", rotations.stream().map(RotationsListEntry::rotationType).toList(),
                    List.of(RotationType.ON_DEMAND));
            List<RotationsListEntry> materials = w.kms.listKeyRotations(
                    r -> r.keyId(arn).includeKeyMaterial(IncludeKeyMaterial.ALL_KEY_MATERIAL)).rotations();
            Walk.expect("the materials", materials.stream().map(RotationsListEntry::keyMaterialState).toList(),
                    List.of(KeyMaterialState.NON_CURRENT, KeyMaterialState.CURRENT));
            first[0] = materials.get(0).keyMaterialId();
        });
        w.call("Decrypt after the rotation", () -> {
            DecryptResponse opened = Symmetric.open(w, w.ciphertext);
            Walk.expect("the plaintext", opened.plaintext(), Walk.PLAINTEXT);
            Walk.expect("the material", opened.keyMaterialId(), first[0]);
        });
    }

    private static void schedule(Walk w, String arn) throws Exception {
        w.call("EnableKeyRotation", () -> w.kms.enableKeyRotation(r -> r.keyId(arn).rotationPeriodInDays(180)));
        w.call("GetKeyRotationStatus", () -> {
            GetKeyRotationStatusResponse status = w.kms.getKeyRotationStatus(r -> r.keyId(arn));
            Walk.expect("enabled", status.keyRotationEnabled(), true);
            Walk.expect("the period", status.rotationPeriodInDays(), 180);
            Walk.near("the next rotation", status.nextRotationDate(), Duration.ofDays(180));
        });
        w.call("DisableKeyRotation", () -> {
            w.kms.disableKeyRotation(r -> r.keyId(arn));
            Walk.expect("enabled", w.kms.getKeyRotationStatus(r -> r.keyId(arn)).keyRotationEnabled(), false);
        });
    }

    private static void deletion(Walk w, String arn) throws Exception {
        w.call("ScheduleKeyDeletion", () -> {
            ScheduleKeyDeletionResponse answer = w.kms.scheduleKeyDeletion(r -> r.keyId(arn).pendingWindowInDays(7));
            Walk.expect("the state", answer.keyState(), KeyState.PENDING_DELETION);
            Walk.expect("the days", answer.pendingWindowInDays(), 7);
            Walk.near("the deletion", answer.deletionDate(), Duration.ofDays(7));
        });
        w.call("Encrypt with a key pending deletion", () -> Walk.refused(KmsInvalidStateException.class,
                () -> w.kms.encrypt(r -> r.keyId(arn).plaintext(Walk.PLAINTEXT))));
        w.call("CancelKeyDeletion", () -> {
            w.kms.cancelKeyDeletion(r -> r.keyId(arn));
            Walk.expect("the state", w.describe(arn).keyState(), KeyState.DISABLED);
        });
    }
}
