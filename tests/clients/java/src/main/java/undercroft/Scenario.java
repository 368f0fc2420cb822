package undercroft;

import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.ResponseBytes;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

/**
 * Put, get, list, multipart upload and presigned URLs. The endpoint, region, bucket, key id and key are arguments and
 * variables; each step prints its name, so that a failure shows how far it came.
 */
public final class Scenario {
    private static final int PART_BYTES = 5 * 1024 * 1024;

    private final S3Client s3;
    private final S3Presigner presigner;
    private final String bucket;

    private Scenario(String endpoint, String region, String bucket) {
        var credentials = StaticCredentialsProvider.create(
                AwsBasicCredentials.create(System.getenv("KEY_ID"), System.getenv("APPLICATION_KEY")));
        var configuration = S3Configuration.builder().pathStyleAccessEnabled(true).build();
        this.s3 = S3Client.builder()
                .endpointOverride(URI.create(endpoint))
                .region(Region.of(region))
                .credentialsProvider(credentials)
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .serviceConfiguration(configuration)
                .build();
        this.presigner = S3Presigner.builder()
                .endpointOverride(URI.create(endpoint))
                .region(Region.of(region))
                .credentialsProvider(credentials)
                .serviceConfiguration(configuration)
                .build();
        this.bucket = bucket;
    }

    public static void main(String[] arguments) throws Exception {
        var scenario = new Scenario(arguments[0], arguments[1], arguments[2]);
        scenario.putAndGet();
        scenario.list();
        scenario.multipart();
        scenario.presign();
        scenario.errors();
        System.out.println("all done");
    }

    private void putAndGet() {
        System.out.println("put and get");
        for (int size : new int[] {0, 1, 65_536, 200_000}) {
            byte[] body = bytes(size);
            var put = s3.putObject(
                    request -> request.bucket(bucket)
                            .key("java/size " + size + ".bin")
                            .contentType("application/x-java-test")
                            .metadata(Map.of("colour", "blue")),
                    RequestBody.fromBytes(body));
            ResponseBytes<GetObjectResponse> got =
                    s3.getObjectAsBytes(request -> request.bucket(bucket).key("java/size " + size + ".bin"));
            check(Arrays.equals(body, got.asByteArray()), "bytes of size " + size);
            check(put.eTag().equals(got.response().eTag()), "ETag of size " + size);
            check("application/x-java-test".equals(got.response().contentType()), "content type");
            check("blue".equals(got.response().metadata().get("colour")), "metadata");
        }
        byte[] range = s3.getObjectAsBytes(
                        request -> request.bucket(bucket).key("java/size 200000.bin").range("bytes=70000-70009"))
                .asByteArray();
        check(Arrays.equals(Arrays.copyOfRange(bytes(200_000), 70_000, 70_010), range), "range");
        var copied = s3.copyObject(request -> request.sourceBucket(bucket)
                .sourceKey("java/size 200000.bin")
                .destinationBucket(bucket)
                .destinationKey("java/copy.bin"));
        check(copied.copyObjectResult().eTag() != null, "copy");
    }

    private void list() {
        System.out.println("list");
        var expected = new TreeSet<String>();
        for (int number = 0; number < 25; number++) {
            String key = String.format("list/%02d", number);
            s3.putObject(request -> request.bucket(bucket).key(key), RequestBody.fromString(key));
            expected.add(key);
        }
        var seen = new ArrayList<String>();
        s3.listObjectsV2Paginator(request -> request.bucket(bucket).prefix("list/").maxKeys(10))
                .contents()
                .forEach(object -> seen.add(object.key()));
        check(seen.equals(new ArrayList<>(expected)), "paged list: " + seen);
        var folders = s3.listObjectsV2(request -> request.bucket(bucket).delimiter("/")).commonPrefixes();
        check(folders.stream().map(folder -> folder.prefix()).toList().equals(List.of("java/", "list/")), "folders");
    }

    private void multipart() {
        System.out.println("multipart");
        byte[] whole = bytes(2 * PART_BYTES + 12_345);
        String id = s3.createMultipartUpload(request -> request.bucket(bucket).key("large.bin")).uploadId();
        var parts = new ArrayList<CompletedPart>();
        for (int number = 1, start = 0; start < whole.length; number++, start += PART_BYTES) {
            byte[] part = Arrays.copyOfRange(whole, start, Math.min(start + PART_BYTES, whole.length));
            int partNumber = number;
            var uploaded = s3.uploadPart(
                    request -> request.bucket(bucket).key("large.bin").uploadId(id).partNumber(partNumber),
                    RequestBody.fromBytes(part));
            parts.add(CompletedPart.builder()
                    .partNumber(partNumber)
                    .eTag(uploaded.eTag())
                    .checksumCRC32(uploaded.checksumCRC32())
                    .build());
        }
        check(s3.listParts(request -> request.bucket(bucket).key("large.bin").uploadId(id)).parts().size() == 3, "parts");
        var completed = s3.completeMultipartUpload(request -> request.bucket(bucket)
                .key("large.bin")
                .uploadId(id)
                .multipartUpload(upload -> upload.parts(parts)));
        check(completed.eTag().endsWith("-3\""), "ETag of a multipart upload: " + completed.eTag());
        check(Arrays.equals(whole, s3.getObjectAsBytes(request -> request.bucket(bucket).key("large.bin")).asByteArray()),
                "bytes of a multipart upload");
    }

    private void presign() throws Exception {
        System.out.println("presign");
        byte[] body = bytes(1000);
        var put = presigner.presignPutObject(request -> request.signatureDuration(Duration.ofMinutes(5))
                .putObjectRequest(object -> object.bucket(bucket).key("presigned.bin")));
        var upload = (HttpURLConnection) put.url().openConnection();
        upload.setRequestMethod("PUT");
        upload.setDoOutput(true);
        put.signedHeaders().forEach((name, values) -> {
            if (!name.equalsIgnoreCase("host")) {
                upload.setRequestProperty(name, String.join(",", values));
            }
        });
        upload.getOutputStream().write(body);
        check(upload.getResponseCode() == 200, "presigned PUT: " + upload.getResponseCode());
        var get = presigner.presignGetObject(request -> request.signatureDuration(Duration.ofMinutes(5))
                .getObjectRequest(object -> object.bucket(bucket).key("presigned.bin")));
        try (InputStream stream = get.url().openStream()) {
            check(Arrays.equals(body, stream.readAllBytes()), "bytes through presigned URLs");
        }
    }

    private void errors() {
        System.out.println("errors");
        s3.deleteObject(request -> request.bucket(bucket).key("presigned.bin"));
        try {
            s3.getObjectAsBytes(request -> request.bucket(bucket).key("presigned.bin"));
            throw new AssertionError("a deleted object was read");
        } catch (NoSuchKeyException expected) {
            check(expected.statusCode() == 404, "status of NoSuchKey");
        }
        try {
            s3.headBucket(request -> request.bucket(bucket + "-that-is-not-there"));
            throw new AssertionError("a bucket that does not exist has a head");
        } catch (S3Exception expected) {
            check(expected.statusCode() == 404, "status of NoSuchBucket");
        }
    }

    private static byte[] bytes(int size) {
        byte[] made = new byte[size];
        new Random(size).nextBytes(made);
        return made;
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
