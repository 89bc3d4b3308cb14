import java.net.URI;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kms.KmsClient;

/** The calls of clients/README.md through the SDK for Java, against the server at an endpoint. */
public final class Main {
    public static void main(String[] args) {
        if (args.length != 1) {
            System.err.println("usage: java -cp 'target/classes:target/lib/*' Main ENDPOINT");
            System.exit(2);
        }
        try (KmsClient kms = connect(args[0], Walk.HOME); KmsClient abroad = connect(args[0], Walk.ABROAD)) {
            Walk w = new Walk(kms, abroad);
            Keys.walk(w);
            Names.walk(w);
            Symmetric.walk(w);
            Imports.walk(w);
            Signatures.walk(w);
            Agreement.walk(w);
            Grants.walk(w);
            Regions.walk(w);
            Life.walk(w);
            System.out.println("ok " + w.calls() + " calls");
        } catch (Exception e) {
            System.err.println(e.getMessage());
            System.exit(1);
        }
    }

    private static KmsClient connect(String endpoint, String region) {
        return KmsClient.builder()
                .endpointOverride(URI.create(endpoint))
                .region(Region.of(region))
                .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
                .httpClient(UrlConnectionHttpClient.create())
                .overrideConfiguration(o -> o.retryStrategy(AwsRetryStrategy.doNotRetry()))
                .build();
    }
}
