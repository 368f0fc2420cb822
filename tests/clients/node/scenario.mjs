// The package `backblaze-b2` on a running Undercroft under TLS; test_node.py installs and runs it. The endpoint and a word
// for names are arguments, the key's id and secret are variables; each step prints its name, so that a failure shows how far
// it came. Every call that the package has is made.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import B2 from 'backblaze-b2';

const [endpoint, word] = process.argv.slice(2);
const PART_BYTES = 5_000_000;
const bucketName = `node-${word}`;
const sha1 = (data) => createHash('sha1').update(data).digest('hex');

async function authorized(applicationKeyId, applicationKey) {
    const client = new B2({ applicationKeyId, applicationKey, retry: { retries: 0 } });
    // The service's own address is all that the package knows; every call takes such overrides.
    await client.authorize({ axiosOverride: { url: `${endpoint}/b2api/v2/b2_authorize_account` } });
    return client;
}

async function refused(call, status, code) {
    const error = await call.then(() => assert.fail('not refused'), (reason) => reason);
    assert.equal(error.response?.status, status, String(error));
    if (code) assert.equal(error.response.data.code, code);
}

// What axios itself prints of a failure is the whole connection.
process.on('uncaughtException', (error) => {
    console.error(error.stack, error.config?.url, error.response?.data);
    process.exit(1);
});

function step(name) {
    console.log(name);
}

step('authorize');
const b2 = await authorized(process.env.KEY_ID, process.env.APPLICATION_KEY);
assert.equal(b2.apiUrl, endpoint);
await refused(authorized(process.env.KEY_ID, 'K000wrong'), 401, 'unauthorized');

step('buckets');
const bucketId = (await b2.createBucket(bucketName, b2.BUCKET_TYPES.ALL_PUBLIC)).data.bucketId;
await b2.updateBucket({ bucketId, bucketType: b2.BUCKET_TYPES.ALL_PRIVATE });
assert.equal((await b2.getBucket({ bucketName })).data.buckets[0].bucketType, 'allPrivate');
assert.ok((await b2.listBuckets()).data.buckets.some((bucket) => bucket.bucketId === bucketId));
await refused(b2.createBucket(bucketName, 'allPrivate'), 400, 'duplicate_bucket_name');

async function upload(fileName, data, more = {}) {
    const { uploadUrl, authorizationToken } = (await b2.getUploadUrl({ bucketId })).data;
    const call = { uploadUrl, uploadAuthToken: authorizationToken, fileName, data, ...more };
    return (await b2.uploadFile(call)).data;
}

step('small files');
for (const size of [0, 1, 65_536, 70_000]) {
    const data = randomBytes(size);
    const told = { mime: 'x/y', info: { colour: 'blü e' }, hash: sha1(data), contentLength: size };
    const stored = await upload('folder/ä b+c.bin', data, told);
    assert.equal(stored.contentSha1, sha1(data));
    const info = (await b2.getFileInfo({ fileId: stored.fileId })).data;
    assert.deepEqual([info.contentLength, info.contentType, info.fileInfo.colour], [size, 'x/y', 'blü e']);
    const byName = await b2.downloadFileByName({
        bucketName, fileName: 'folder/ä b+c.bin', responseType: 'arraybuffer',
    });
    assert.ok(byName.data.equals(data));
    assert.equal(decodeURIComponent(byName.headers['x-bz-info-colour']), 'blü e');
    const byId = await b2.downloadFileById({ fileId: stored.fileId, responseType: 'arraybuffer' });
    assert.ok(byId.data.equals(data));
}
await refused(upload('bad', Buffer.from('x'), { hash: '0'.repeat(40) }), 400, 'bad_request');

step('lists');
for (const name of ['list/a/1', 'list/a/2', 'list/b']) await upload(name, Buffer.from(name));
const names = (await b2.listFileNames({ bucketId, prefix: 'list/', delimiter: '/' })).data;
assert.deepEqual(names.files.map((file) => [file.fileName, file.action]), [['list/a/', 'folder'], ['list/b', 'upload']]);
const versions = [];
for (let next = {}; ; ) {
    const page = (await b2.listFileVersions({ bucketId, maxFileCount: 2, ...next })).data;
    versions.push(...page.files);
    if (!page.nextFileName) break;
    next = { startFileName: page.nextFileName, startFileId: page.nextFileId };
}
assert.equal(versions.length, 4 + 3);

step('hide');
assert.equal((await b2.hideFile({ bucketId, fileName: 'list/b' })).data.action, 'hide');
await refused(b2.downloadFileByName({ bucketName, fileName: 'list/b' }), 404);

step('large files');
const parts = [randomBytes(PART_BYTES), randomBytes(17)];
const { fileId } = (await b2.startLargeFile({ bucketId, fileName: 'large', contentType: 'x/y' })).data;
for (const [index, data] of parts.entries()) {
    const { uploadUrl, authorizationToken } = (await b2.getUploadPartUrl({ fileId })).data;
    const call = { uploadUrl, uploadAuthToken: authorizationToken, data, partNumber: index + 1 };
    assert.equal((await b2.uploadPart(call)).data.contentSha1, sha1(data));
}
const listed = (await b2.listParts({ fileId })).data.parts;
assert.deepEqual(listed.map((part) => [part.partNumber, part.contentLength]), [[1, PART_BYTES], [2, 17]]);
await b2.finishLargeFile({ fileId, partSha1Array: parts.map(sha1) });
const large = await b2.downloadFileById({ fileId, responseType: 'arraybuffer' });
assert.ok(large.data.equals(Buffer.concat(parts)));
const dropped = (await b2.startLargeFile({ bucketId, fileName: 'dropped' })).data.fileId;
await b2.cancelLargeFile({ fileId: dropped });
await refused(b2.getUploadPartUrl({ fileId: dropped }), 400);

step('download authorization');
const grant = { bucketId, fileNamePrefix: 'list/', validDurationInSeconds: 60 };
const { authorizationToken } = (await b2.getDownloadAuthorization(grant)).data;
const open = (name) => fetch(`${endpoint}/file/${bucketName}/${name}?Authorization=${authorizationToken}`);
assert.equal((await open('list/a/1')).status, 200);
assert.equal((await open('large')).status, 401);

step('keys');
const capabilities = [b2.KEY_CAPABILITIES.LIST_BUCKETS, b2.KEY_CAPABILITIES.READ_FILES];
const asked = { capabilities, keyName: `node-${word}`, bucketId, namePrefix: 'list/', validDurationInSeconds: 600 };
const key = (await b2.createKey(asked)).data;
assert.deepEqual([key.bucketId, key.namePrefix], [bucketId, 'list/']);
const limited = await authorized(key.applicationKeyId, key.applicationKey);
assert.equal((await limited.downloadFileByName({ bucketName, fileName: 'list/a/1' })).data, 'list/a/1');
await refused(limited.downloadFileByName({ bucketName, fileName: 'large' }), 401);
assert.ok((await b2.listKeys({ maxKeyCount: 1000 })).data.keys.some((one) => one.keyName === key.keyName));
await b2.deleteKey({ applicationKeyId: key.applicationKeyId });
await refused(limited.downloadFileByName({ bucketName, fileName: 'list/a/1' }), 401);

step('removal');
await refused(b2.deleteBucket({ bucketId }), 400);
for (const file of (await b2.listFileVersions({ bucketId, maxFileCount: 1000 })).data.files) {
    await b2.deleteFileVersion({ fileId: file.fileId, fileName: file.fileName });
}
await b2.deleteBucket({ bucketId });
console.log('all done');
