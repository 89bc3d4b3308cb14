import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.encryption.s3.S3EncryptionClient;

/**
 * The S3 Encryption Client for Java. Its bucket is FOLDER, in the stub of S3.
 *
 * <p>usage: Main version | seal KEY FOLDER ROOM < PLAINTEXT | open KEY FOLDER ROOM > PLAINTEXT
 */
class Main {
    static final String NAME = "amazon-s3-encryption-client-java";

    public static void main(String[] args) throws IOException {
        if (args[0].equals("version")) {
            System.out.println(version());
            return;
        }
        var bucket = Path.of(args[2]).getFileName().toString();
        var context = S3EncryptionClient.withAdditionalConfiguration(Map.of("room", args[3]));
        try (var s3 = S3EncryptionClient.builderV4().kmsKeyId(args[1]).build()) {
            if (args[0].equals("seal")) {
                var body = RequestBody.fromBytes(System.in.readAllBytes());
                s3.putObject(put -> put.bucket(bucket).key("object").overrideConfiguration(context), body);
            } else {
                var object = s3.getObjectAsBytes(
                        get -> get.bucket(bucket).key("object").overrideConfiguration(context));
                System.out.write(object.asByteArray());
                System.out.flush();
            }
        }
    }

    static String version() throws IOException {
        var properties = new Properties();
        try (var file = S3EncryptionClient.class.getResourceAsStream(
                "/META-INF/maven/software.amazon.encryption.s3/" + NAME + "/pom.properties")) {
            properties.load(file);
        }
        return properties.getProperty("version");
    }
}
