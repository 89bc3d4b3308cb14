import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.KeyMetadata;
import software.amazon.awssdk.services.kms.model.KmsException;

/** Calls, their labels, and comparisons of their results. */
final class Walk {
    static final String HOME = "us-east-1";
    static final String ABROAD = "eu-west-2";
    static final Map<String, String> CONTEXT = Map.of("room", "archive");
    static final SdkBytes PLAINTEXT = SdkBytes.fromUtf8String("the combination is 12-34-56");
    static final SdkBytes OTHER = SdkBytes.fromUtf8String(PLAINTEXT.asUtf8String() + "!");

    /** One call with the checks of its answer. */
    interface Step {
        void run() throws Exception;
    }

    final KmsClient kms;

    /** The client of another Region. */
    final KmsClient abroad;

    /** The ARNs of the keys, by purpose. */
    final Map<String, String> arns = new HashMap<>();

    /** The ciphertext of Encrypt under the symmetric key. */
    SdkBytes ciphertext;

    private int calls;

    Walk(KmsClient kms, KmsClient abroad) {
        this.kms = kms;
        this.abroad = abroad;
    }

    int calls() {
        return calls;
    }

    /** Runs the step and prints its label, or names the step that failed. */
    void call(String label, Step step) throws Exception {
        try {
            step.run();
        } catch (Exception e) {
            throw new Exception(label + ": " + e.getMessage(), e);
        }
        calls++;
        System.out.println(label);
    }

    KeyMetadata describe(String id) {
        return kms.describeKey(r -> r.keyId(id)).keyMetadata();
    }

    /** Checks that the call fails with the SDK's own exception. */
    static void refused(Class<? extends KmsException> want, Step step) throws Exception {
        refused(want.getSimpleName(), want, step);
    }

    /** Checks that the call fails with this code. The SDK has no type for it. */
    static void refused(String code, Step step) throws Exception {
        KmsException e = refused(code, KmsException.class, step);
        expect("the code", e.awsErrorDetails().errorCode(), code);
    }

    private static <E extends KmsException> E refused(String name, Class<E> want, Step step) throws Exception {
        try {
            step.run();
        } catch (Exception e) {
            if (!want.isInstance(e)) {
                throw new Exception("expected " + name + ", got " + e, e);
            }
            expect("the status", want.cast(e).statusCode(), 400);
            return want.cast(e);
        }
        throw new Exception("expected " + name + ", but it succeeded");
    }

    static void expect(String what, Object got, Object want) throws Exception {
        if (!Objects.equals(got, want)) {
            throw new Exception(what + ": expected " + show(want) + ", got " + show(got));
        }
    }

    /** Checks that a date is this far away, give or take an hour. */
    static void near(String what, Instant date, Duration want) throws Exception {
        Duration got = Duration.between(Instant.now(), date);
        if (got.minus(want).abs().compareTo(Duration.ofHours(1)) > 0) {
            throw new Exception(what + ": expected in " + want + ", got in " + got);
        }
    }

    private static String show(Object value) {
        return value instanceof SdkBytes b ? HexFormat.of().formatHex(b.asByteArray()) : String.valueOf(value);
    }
}
