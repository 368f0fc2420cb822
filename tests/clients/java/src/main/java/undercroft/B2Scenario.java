package undercroft;

import com.backblaze.b2.client.B2ClientConfig;
import com.backblaze.b2.client.B2CopyingPartStorer;
import com.backblaze.b2.client.B2PartStorer;
import com.backblaze.b2.client.B2StorageClient;
import com.backblaze.b2.client.B2StorageClientFactory;
import com.backblaze.b2.client.B2UploadingPartStorer;
import com.backblaze.b2.client.contentHandlers.B2ContentMemoryWriter;
import com.backblaze.b2.client.contentSources.B2ByteArrayContentSource;
import com.backblaze.b2.client.contentSources.B2ContentTypes;
import com.backblaze.b2.client.exceptions.B2BadRequestException;
import com.backblaze.b2.client.exceptions.B2Exception;
import com.backblaze.b2.client.exceptions.B2NotFoundException;
import com.backblaze.b2.client.exceptions.B2UnauthorizedException;
import com.backblaze.b2.client.structures.B2Bucket;
import com.backblaze.b2.client.structures.B2CopyFileRequest;
import com.backblaze.b2.client.structures.B2CreateBucketRequest;
import com.backblaze.b2.client.structures.B2CreateKeyRequest;
import com.backblaze.b2.client.structures.B2DeleteKeyRequest;
import com.backblaze.b2.client.structures.B2DownloadByNameRequest;
import com.backblaze.b2.client.structures.B2FileVersion;
import com.backblaze.b2.client.structures.B2GetDownloadAuthorizationRequest;
import com.backblaze.b2.client.structures.B2LifecycleRule;
import com.backblaze.b2.client.structures.B2ListFileNamesRequest;
import com.backblaze.b2.client.structures.B2ListFileVersionsRequest;
import com.backblaze.b2.client.structures.B2StartLargeFileRequest;
import com.backblaze.b2.client.structures.B2UpdateBucketRequest;
import com.backblaze.b2.client.structures.B2UploadFileRequest;
import com.backblaze.b2.client.structures.B2UploadListener;
import com.backblaze.b2.util.B2ByteRange;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Executors;

/**
 * Backblaze's own SDK for Java, which speaks version 2 of the native API. The endpoint and a word for names are arguments,
 * the key's id and secret are variables; each step prints its name, so that a failure shows how far it came.
 */
public final class B2Scenario {
    private static final int PART_BYTES = 5_000_000;

    private final String endpoint;
    private final String word;
    private final B2StorageClient client;
    private B2Bucket bucket;

    private B2Scenario(String endpoint, String word) {
        this.endpoint = endpoint;
        this.word = word;
        this.client = connect(System.getenv("KEY_ID"), System.getenv("APPLICATION_KEY"));
    }

    public static void main(String[] arguments) throws Exception {
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1); // The SDK's own threads would keep the program alive.
        });
        var scenario = new B2Scenario(arguments[0], arguments[1]);
        scenario.buckets();
        scenario.smallFiles();
        scenario.names();
        scenario.largeFiles();
        scenario.unfinishedLargeFiles();
        scenario.copies();
        scenario.lists();
        scenario.downloadAuthorization();
        scenario.keys();
        scenario.errors();
        scenario.removal();
        scenario.client.close();
        System.out.println("all done");
    }

    private B2StorageClient connect(String keyId, String key) {
        var config = B2ClientConfig.builder(keyId, key, "undercroft-test").setMasterUrl(endpoint).build();
        return B2StorageClientFactory.createDefaultFactory().create(config);
    }

    private void buckets() throws Exception {
        step("buckets");
        var rule = B2LifecycleRule.builder("logs/").setDaysFromHidingToDeleting(5).build();
        var made = client.createBucket(B2CreateBucketRequest.builder("java-" + word, "allPublic")
                .setBucketInfo(Map.of("colour", "blue"))
                .setLifecycleRules(List.of(rule))
                .build());
        bucket = client.updateBucket(B2UpdateBucketRequest.builder(made).setBucketType("allPrivate").build());
        equal(bucket.getRevision(), made.getRevision() + 1);
        equal(bucket.getLifecycleRules().get(0).getDaysFromHidingToDeleting(), 5);
        var found = client.getBucketOrNullByName(bucket.getBucketName());
        equal(found.getBucketInfo(), Map.of("colour", "blue"));
        equal(found.getBucketType(), "allPrivate");
        equal(client.getBucketOrNullByName("never-" + word), null);
        refused(B2BadRequestException.class, "duplicate_bucket_name",
                () -> client.createBucket(bucket.getBucketName(), "allPrivate"));
        refused(B2Exception.class, "conflict",
                () -> client.updateBucket(B2UpdateBucketRequest.builder(made).setBucketType("allPublic").build()));
    }

    private B2FileVersion upload(String name, byte[] data) throws B2Exception {
        return client.uploadSmallFile(B2UploadFileRequest.builder(
                        bucket.getBucketId(), name, B2ContentTypes.B2_AUTO, B2ByteArrayContentSource.build(data))
                .setCustomField("colour", "blü e")
                .build());
    }

    private byte[] download(String name) throws B2Exception {
        var sink = B2ContentMemoryWriter.build();
        client.downloadByName(bucket.getBucketName(), name, sink);
        return sink.getBytes();
    }

    private void smallFiles() throws Exception {
        step("small files");
        for (int size : new int[] {0, 1, 65_536, 70_000}) {
            byte[] data = randomBytes(size);
            var stored = upload("small.txt", data);
            equal(stored.getContentLength(), (long) size);
            equal(stored.getContentType(), "text/plain");
            equal(stored.getFileInfo(), Map.of("colour", "blü e"));
            for (var told : List.of(
                    client.getFileInfo(stored.getFileId()),
                    client.getFileInfoByName(bucket.getBucketName(), "small.txt"))) {
                equal(told.getFileId(), stored.getFileId());
                equal(told.getContentSha1(), stored.getContentSha1());
                equal(told.getContentLength(), (long) size);
            }
            same(download("small.txt"), data);
            var sink = B2ContentMemoryWriter.build();
            client.downloadById(stored.getFileId(), sink);
            same(sink.getBytes(), data);
        }
        var sink = B2ContentMemoryWriter.build();
        client.downloadByName(B2DownloadByNameRequest.builder(bucket.getBucketName(), "small.txt")
                .setRange(B2ByteRange.between(65_530, 65_540))
                .build(), sink);
        same(sink.getBytes(), Arrays.copyOfRange(randomBytes(70_000), 65_530, 65_541));
    }

    private void names() throws Exception {
        step("names");
        for (var name : List.of("a b+c", "plus+and&=?.txt", "100%.txt", "ünïcødé/日本 語.txt", "quote'\"s.txt", "~:*@!$(),;")) {
            var stored = upload(name, name.getBytes(StandardCharsets.UTF_8));
            equal(stored.getFileName(), name);
            same(download(name), name.getBytes(StandardCharsets.UTF_8));
            client.deleteFileVersion(stored);
        }
    }

    private void largeFiles() throws Exception {
        step("large files");
        byte[] data = randomBytes(2 * PART_BYTES + 17);
        var source = upload("source", Arrays.copyOfRange(data, PART_BYTES, 2 * PART_BYTES));
        var started = client.startLargeFile(
                B2StartLargeFileRequest.builder(bucket.getBucketId(), "large", "x/y").setCustomField("a", "b").build());
        List<B2PartStorer> parts = List.of(
                new B2UploadingPartStorer(1, B2ByteArrayContentSource.build(Arrays.copyOf(data, PART_BYTES))),
                new B2CopyingPartStorer(2, source.getFileId()),
                new B2UploadingPartStorer(3, B2ByteArrayContentSource.build(
                        Arrays.copyOfRange(data, 2 * PART_BYTES, data.length))));
        var executor = Executors.newFixedThreadPool(3);
        var stored = client.storeLargeFile(started, parts, B2UploadListener.noopListener(), executor);
        executor.shutdown();
        equal(stored.getContentLength(), (long) data.length);
        equal(stored.getContentSha1(), "none".equals(stored.getContentSha1()) ? "none" : null);
        equal(stored.getFileInfo(), Map.of("a", "b"));
        same(download("large"), data);
    }

    private void unfinishedLargeFiles() throws Exception {
        step("unfinished large files");
        var started = client.startLargeFile(
                B2StartLargeFileRequest.builder(bucket.getBucketId(), "unfinished", "x/y").build());
        equal(started.isStart(), true);
        var parts = client.storePartsForLargeFile(
                started,
                List.of(new B2UploadingPartStorer(1, B2ByteArrayContentSource.build("part".getBytes()))),
                B2UploadListener.noopListener(),
                Executors.newSingleThreadExecutor(B2Scenario::daemon));
        var listed = new ArrayList<String>();
        client.parts(started.getFileId()).forEach(part -> listed.add(part.getPartNumber() + " " + part.getContentSha1()));
        equal(listed, List.of("1 " + parts.get(0).getContentSha1()));
        var unfinished = new ArrayList<String>();
        client.unfinishedLargeFiles(bucket.getBucketId()).forEach(file -> unfinished.add(file.getFileName()));
        equal(unfinished, List.of("unfinished"));
        client.cancelLargeFile(started.getFileId());
        refused(B2BadRequestException.class, null, () -> client.cancelLargeFile(started.getFileId()));
    }

    private static Thread daemon(Runnable work) {
        var thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    private void copies() throws Exception {
        step("copies");
        var source = upload("copy/source", "0123456789".getBytes());
        var kept = client.copySmallFile(B2CopyFileRequest.builder(source.getFileId(), "copy/kept").build());
        equal(kept.getFileInfo(), source.getFileInfo());
        var replaced = client.copySmallFile(B2CopyFileRequest.builder(source.getFileId(), "copy/replaced")
                .setRange(B2ByteRange.between(2, 4))
                .setMetadataDirective(B2CopyFileRequest.REPLACE_METADATA_DIRECTIVE)
                .setContentType("x/y")
                .setFileInfo(Map.of("kind", "new"))
                .build());
        equal(replaced.getFileInfo(), Map.of("kind", "new"));
        same(download("copy/replaced"), "234".getBytes());
    }

    private void lists() throws Exception {
        step("lists");
        var names = new ArrayList<String>();
        for (int number = 0; number < 7; number++) {
            names.add("list/" + number);
            upload(names.get(number), new byte[number]);
        }
        var listed = new ArrayList<String>();
        client.fileNames(B2ListFileNamesRequest.builder(bucket.getBucketId())
                        .setPrefix("list/").setMaxFileCount(3).build())
                .forEach(file -> listed.add(file.getFileName()));
        equal(listed, names);
        var folders = new ArrayList<String>();
        client.fileNames(B2ListFileNamesRequest.builder(bucket.getBucketId()).setWithinFolder("").build())
                .forEach(file -> { if (file.isFolder()) folders.add(file.getFileName()); });
        equal(folders, List.of("copy/", "list/"));
        equal(client.hideFile(bucket.getBucketId(), "list/0").isHide(), true);
        var actions = new ArrayList<String>();
        client.fileVersions(B2ListFileVersionsRequest.builder(bucket.getBucketId())
                        .setPrefix("list/0").setMaxFileCount(1).build())
                .forEach(file -> actions.add(file.getAction()));
        equal(actions, List.of("hide", "upload"));
    }

    private void downloadAuthorization() throws Exception {
        step("download authorization");
        var grant = client.getDownloadAuthorization(
                B2GetDownloadAuthorizationRequest.builder(bucket.getBucketId(), "list/", 60).build());
        for (var expected : Map.of("list/1", 200, "large", 401).entrySet()) {
            var address = client.getDownloadByNameUrl(bucket.getBucketName(), expected.getKey());
            var connection = (HttpURLConnection) URI.create(address).toURL().openConnection();
            connection.setRequestProperty("Authorization", grant.getAuthorizationToken());
            equal(connection.getResponseCode(), expected.getValue());
            connection.disconnect();
        }
    }

    private void keys() throws Exception {
        step("keys");
        var capabilities = Set.of("listBuckets", "listFiles", "readFiles");
        var key = client.createKey(B2CreateKeyRequest.builder(capabilities, "java-" + word)
                .setBucketId(bucket.getBucketId()).setNamePrefix("list/").setValidDurationInSeconds(600L).build());
        equal(key.getBucketId(), bucket.getBucketId());
        equal(key.getNamePrefix(), "list/");
        equal(Set.copyOf(key.getCapabilities()), capabilities);
        try (var limited = connect(key.getApplicationKeyId(), key.getApplicationKey())) {
            equal(limited.getFileInfoByName(bucket.getBucketName(), "list/1").getContentLength(), 1L);
            equal(limited.getAccountAuthorization().getAllowed().getNamePrefix(), "list/");
            refused(B2UnauthorizedException.class, null,
                    () -> limited.getFileInfoByName(bucket.getBucketName(), "large"));
        }
        var ids = new ArrayList<String>();
        client.applicationKeys().forEach(one -> ids.add(one.getApplicationKeyId()));
        equal(ids.contains(key.getApplicationKeyId()), true);
        client.deleteKey(B2DeleteKeyRequest.builder(key.getApplicationKeyId()).build());
    }

    private void errors() throws Exception {
        step("errors");
        refused(B2NotFoundException.class, null, () -> download("never"));
        refused(B2NotFoundException.class, null, () -> client.getFileInfoByName(bucket.getBucketName(), "never"));
        try (var wrong = connect(System.getenv("KEY_ID"), "K000wrong")) {
            refused(B2UnauthorizedException.class, "unauthorized", wrong::getAccountId);
        }
    }

    private void removal() throws Exception {
        step("removal");
        refused(B2BadRequestException.class, "cannot_delete_non_empty_bucket",
                () -> client.deleteBucket(bucket.getBucketId()));
        client.deleteAllFilesInBucket(bucket.getBucketId()); // It takes the newest version of each name that is seen.
        for (var version : client.fileVersions(bucket.getBucketId())) {
            client.deleteFileVersion(version);
        }
        equal(client.deleteBucket(bucket.getBucketId()).getBucketName(), bucket.getBucketName());
    }

    private interface Call {
        void run() throws Exception;
    }

    private static void refused(Class<? extends B2Exception> kind, String code, Call call) throws Exception {
        try {
            call.run();
        } catch (B2Exception error) {
            if (!kind.isInstance(error) || (code != null && !code.equals(error.getCode()))) {
                throw error;
            }
            return;
        }
        throw new AssertionError("not refused with " + kind.getSimpleName());
    }

    private static byte[] randomBytes(int size) {
        var data = new byte[size];
        new Random(size).nextBytes(data);
        return data;
    }

    private static void step(String name) {
        System.out.println(name);
    }

    private static void equal(Object got, Object want) {
        if (got == null ? want != null : !got.equals(want)) {
            throw new AssertionError("got " + got + " and not " + want);
        }
    }

    private static void same(byte[] got, byte[] want) {
        if (!Arrays.equals(got, want)) {
            throw new AssertionError("got " + got.length + " other bytes than the " + want.length + " sent");
        }
    }
}
