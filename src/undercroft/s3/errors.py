"""The errors of the S3 face: one table of codes, and the one place where foreign errors become S3's.

`CODES` is the reference's error table as data: each code with its HTTP status and our default wording. The two mapping
functions below are the only translation from the store's and from HTTP's error families, so that an operation raises or
lets pass whatever it meets and never builds an answer by itself. The file is long because the table is.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from email.utils import formatdate

from undercroft import limits
from undercroft.http import errors as http_errors
from undercroft.store import errors as store_errors

Headers = list[tuple[bytes, bytes]]

CODES: dict[str, tuple[int, str]] = {
    "AccessControlListNotSupported": (400, "The bucket does not take access control lists."),
    "AccessDenied": (403, "Access Denied"),
    "AccessForbidden": (403, "The bucket's CORS rules do not allow this request."),
    "AccountProblem": (403, "The account cannot be used at present."),
    "AllAccessDisabled": (403, "All access to this resource has been turned off."),
    "AuthorizationHeaderMalformed": (400, "The Authorization header cannot be understood."),
    "AuthorizationQueryParametersError": (400, "The query parameters of the signature cannot be understood."),
    "BadDigest": (400, "The data received does not have the digest that the request declares."),
    "BadRequest": (400, "The request cannot be understood."),
    "BucketAlreadyExists": (409, "The bucket name is taken. Bucket names are shared by everyone: choose another."),
    "BucketAlreadyOwnedByYou": (409, "You already own a bucket of this name."),
    "BucketNotEmpty": (409, "The bucket still has object versions, delete markers or uploads in it."),
    "ConditionalRequestConflict": (409, "Another write to the same key came in between. Try again."),
    "CredentialsNotSupported": (400, "This request does not take credentials."),
    "CrossLocationLoggingProhibited": (403, "The target bucket for logs lies in another region."),
    "EntityTooLarge": (400, "The upload is larger than an object may be."),
    "EntityTooSmall": (400, "The upload is smaller than the least size allowed."),
    "ExpiredToken": (400, "The security token has expired."),
    "IdempotencyParameterMismatch": (400, "The client token was used before with other parameters."),
    "IllegalLocationConstraintException": (400, "The location does not fit the endpoint of this request."),
    "IllegalVersioningConfigurationException": (400, "The versioning configuration is not valid."),
    "IncompleteBody": (400, "The request body does not have the number of bytes that the headers declare."),
    "IncorrectNumberOfFilesInPostRequest": (400, "A form upload takes exactly one file."),
    "InternalError": (500, "The server failed to carry out the request. Try again."),
    "InvalidAccessKeyId": (403, "The access key id does not exist in our records."),
    "InvalidArgument": (400, "Invalid Argument"),
    "InvalidBucketAclWithObjectOwnership": (400, "The bucket's object ownership does not allow this ACL."),
    "InvalidBucketName": (400, "The bucket name is not valid."),
    "InvalidBucketState": (409, "The bucket's state does not allow this request."),
    "InvalidChunkSizeError": (400, "Every chunk but the last must have at least 8192 bytes."),
    "InvalidDigest": (400, "The Content-MD5 header is not the base64 text of 16 bytes."),
    "InvalidEncryptionAlgorithmError": (400, "The encryption algorithm is not known. The one supported is AES256."),
    "InvalidLocationConstraint": (400, "The location constraint is not a region of this server."),
    "InvalidObjectState": (403, "The object's storage class does not allow this request."),
    "InvalidPart": (400, "A part listed was not uploaded, or its ETag or checksum differs from the one given."),
    "InvalidPartNumber": (416, "The object does not have that many parts."),
    "InvalidPartOrder": (400, "The parts are not listed in ascending order."),
    "InvalidPayer": (403, "This object cannot be charged to the requester."),
    "InvalidPolicyDocument": (400, "The form's policy document is not valid."),
    "InvalidRange": (416, "The requested range is not satisfiable"),
    "InvalidRedirectLocation": (400, "The redirect location must start with '/', 'http://' or 'https://'."),
    "InvalidRequest": (400, "The request is not valid."),
    "InvalidRetentionPeriod": (400, "The retention period must be a positive number."),
    "InvalidSecurity": (403, "The security information given is not valid."),
    "InvalidStorageClass": (400, "The storage class is not known."),
    "InvalidTag": (400, "A tag is not valid."),
    "InvalidTargetBucketForLogging": (400, "The target bucket for logging does not exist, or is not owned by you."),
    "InvalidToken": (400, "This server issues no security tokens, so the one given is not valid."),
    "InvalidTokenId": (403, "The security token is not valid."),
    "InvalidURI": (400, "The path or query is not percent-encoded UTF-8."),
    "InvalidWriteOffset": (400, "The write offset does not equal the object's size."),
    "EncryptionTypeMismatch": (400, "The encryption type differs from that of the object."),
    "TooManyParts": (400, "The object has too many parts."),
    "KeyTooLongError": (400, "The key is too long."),
    "MalformedACLError": (400, "The access control list is not well-formed or not valid."),
    "MalformedPOSTRequest": (400, "The body is not well-formed multipart/form-data."),
    "MalformedPolicy": (400, "The bucket policy is not valid."),
    "MalformedTrailerError": (400, "The trailer of the body is not well-formed, or was not announced."),
    "MalformedXML": (400, "The XML of the body is not well-formed or does not fit this request."),
    "MaxMessageLengthExceeded": (400, "The request body is too large."),
    "MaxPostPreDataLengthExceeded": (400, "The form's fields before the file are too large."),
    "MetadataTooLarge": (400, "The metadata headers exceed the size allowed."),
    "MethodNotAllowed": (405, "The method is not allowed on this resource."),
    "MissingContentLength": (411, "The Content-Length header is missing."),
    "MissingContentMD5": (400, "The request needs a Content-MD5 or checksum header."),
    "MissingRequestBodyError": (400, "The request body is empty."),
    "MissingSecurityElement": (400, "The request lacks a security element."),
    "MissingSecurityHeader": (400, "The request lacks a required header."),
    "NoLoggingStatusForKey": (400, "There is no logging status for this key."),
    "NoSuchBucket": (404, "The bucket does not exist."),
    "NoSuchBucketPolicy": (404, "The bucket policy does not exist"),
    "NoSuchConfiguration": (404, "The configuration does not exist."),
    "NoSuchCORSConfiguration": (404, "The CORS configuration does not exist"),
    "NoSuchKey": (404, "The key does not exist."),
    "NoSuchLifecycleConfiguration": (404, "The lifecycle configuration does not exist"),
    "NoSuchObjectLockConfiguration": (404, "The object has no object lock configuration"),
    "NoSuchPublicAccessBlockConfiguration": (404, "The public access block configuration was not found"),
    "NoSuchTagSet": (404, "The tag set does not exist"),
    "NoSuchUpload": (404, "The upload does not exist: its id may be wrong, or it was completed or aborted."),
    "NoSuchVersion": (404, "The version does not exist."),
    "NoSuchWebsiteConfiguration": (404, "The bucket has no website configuration"),
    "NotImplemented": (501, "This server does not implement what the request asks for."),
    "NotModified": (304, "Not Modified"),
    "NotSignedUp": (403, "The account is not signed up for this service."),
    "ObjectLockConfigurationNotFoundError": (404, "The bucket has no object lock configuration"),
    "OperationAborted": (409, "A conflicting operation on the same resource is in progress. Try again."),
    "OwnershipControlsNotFoundError": (404, "The bucket ownership controls were not found"),
    "PermanentRedirect": (301, "The bucket must be addressed through another endpoint."),
    "TemporaryRedirect": (307, "The bucket must be addressed through another endpoint for now."),
    "PreconditionFailed": (412, "At least one of the pre-conditions you specified did not hold"),
    "PostPolicyInvalidKeyName": (403, "The key does not fit the form's policy."),
    "ReplicationConfigurationNotFoundError": (404, "The replication configuration was not found"),
    "RequestHeaderSectionTooLarge": (400, "The request's headers are too large."),
    "RequestIsNotMultiPartContent": (400, "A form upload must be multipart/form-data."),
    "RequestTimeout": (400, "The request body stopped arriving."),
    "RequestTimeTooSkewed": (403, "The request's time and the server's time differ too much."),
    "RequestTorrentOfBucketError": (400, "There is no torrent of a bucket."),
    "RestoreAlreadyInProgress": (409, "The object is being restored already."),
    "ServerSideEncryptionConfigurationNotFoundError": (404, "The server-side encryption configuration was not found"),
    "ServiceUnavailable": (503, "The server cannot take this request at present. Try again later."),
    "SignatureDoesNotMatch": (403, "The signature differs from the one calculated here. Check the secret key."),
    "SlowDown": (503, "Please reduce your request rate."),
    "TokenRefreshRequired": (400, "The security token must be refreshed."),
    "TooManyBuckets": (400, "The account has as many buckets as it may have."),
    "UnexpectedContent": (400, "This request takes no body."),
    "UnresolvableGrantByEmailAddress": (400, "No account has the e-mail address given."),
    "UnsupportedSignature": (400, "The request is signed in a way that this operation does not take."),
    "UserKeyMustBeSpecified": (400, "The form has no field named key."),
    "XAmzContentSHA256Mismatch": (400, "The x-amz-content-sha256 header differs from the digest of the data received."),
}


class S3Error(Exception):
    """An answer of the S3 protocol that is not success.

    `code` is a row of `CODES` and decides the status. `extras` are further XML elements in the order to write them;
    `headers` go onto the answer.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        extras: dict[str, str] | None = None,
        headers: Headers | None = None,
    ) -> None:
        self._status, default = CODES[code]
        self.code = code
        self.message = default if message is None else message
        self.extras = {} if extras is None else extras
        self.headers = [] if headers is None else headers
        super().__init__(f"{code}: {self.message}")

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return self._status


def invalid_argument(name: str, value: str, message: str | None = None) -> S3Error:
    """`InvalidArgument` that names the header or parameter and repeats its value."""
    return S3Error("InvalidArgument", message, extras={"ArgumentName": name, "ArgumentValue": value})


@dataclass(slots=True, frozen=True)
class ErrorContext:
    """What the operation was about, for the extra elements of its errors. Empty strings mean unknown."""

    bucket: str = ""
    key: str = ""
    version_id: str = ""
    upload_id: str = ""
    method: str = ""
    range_header: str = ""
    payload_hash: str = ""  # The x-amz-content-sha256 value where it was a digest, else empty.


_NO_CONTEXT = ErrorContext()

# The errors whose answer needs nothing but the code; subclasses follow their parents unless they are named themselves.
_PLAIN: dict[type[store_errors.StoreError], str] = {
    store_errors.BadCredentials: "InvalidAccessKeyId",
    store_errors.BadToken: "InvalidToken",
    store_errors.ExpiredToken: "ExpiredToken",
    store_errors.UnsupportedKey: "AccessDenied",
    store_errors.WrongCustomerKey: "AccessDenied",
    store_errors.TooManyBuckets: "TooManyBuckets",
    store_errors.RevisionConflict: "OperationAborted",
    store_errors.StorageFull: "ServiceUnavailable",
    store_errors.DataCorrupt: "InternalError",
    store_errors.StorageFailed: "InternalError",
    store_errors.Busy: "SlowDown",
}


def from_store_error(error: store_errors.StoreError, context: ErrorContext = _NO_CONTEXT) -> S3Error:
    """The S3 answer to what the store refused (reference, 1.17 and 3).

    An error that no S3 operation should ever meet (of the console or the native face alone) becomes `InternalError`.
    """
    code = _PLAIN.get(type(error))
    if code is not None:
        return S3Error(code)
    for translate in (_of_names, _of_files, _of_bytes, _of_parts, _of_fields):
        answer = translate(error, context)
        if answer is not None:
            return answer
    return S3Error("InternalError")


def _of_names(error: store_errors.StoreError, context: ErrorContext) -> S3Error | None:
    """Errors about who asks and about buckets."""
    match error:
        case store_errors.Unauthorized():
            if error.missing:
                return S3Error("AccessDenied", f"The application key lacks the capability {error.missing}.")
            return S3Error("AccessDenied")
        case store_errors.CapExceeded():
            return S3Error("AccessDenied", str(error))
        case store_errors.VersionLocked() | store_errors.RetentionProtected():
            return S3Error("AccessDenied", "Access Denied because object protected by object lock.")
        case store_errors.ReplicationConflict():
            return S3Error("InvalidBucketState", str(error))
        case store_errors.MissingLock():
            return S3Error("InvalidRequest", "Bucket is missing Object Lock Configuration")
        case store_errors.RetentionPast():
            return S3Error("InvalidArgument", "The retain until date must be in the future!")
        case store_errors.NoSuchBucket():
            return S3Error("NoSuchBucket", extras={"BucketName": context.bucket or error.bucket})
        case store_errors.DuplicateBucketName():
            code = "BucketAlreadyOwnedByYou" if error.own else "BucketAlreadyExists"
            return S3Error(code, extras={"BucketName": context.bucket})
        case store_errors.BucketNotEmpty():
            return S3Error("BucketNotEmpty", extras={"BucketName": context.bucket})
        case store_errors.InvalidBucketName():
            return S3Error("InvalidBucketName", str(error) or None, extras={"BucketName": context.bucket})
    return None


def _of_files(error: store_errors.StoreError, context: ErrorContext) -> S3Error | None:
    """Errors about keys, versions and uploads that are not there, and about conditions on them."""
    match error:
        case store_errors.NoSuchFile():
            headers = [(b"x-amz-delete-marker", b"false")]
            if error.hide_marker_id is not None:
                headers = [
                    (b"x-amz-delete-marker", b"true"),
                    (b"x-amz-version-id", error.hide_marker_id.encode("ascii")),
                ]
            return S3Error("NoSuchKey", extras={"Key": context.key or error.name}, headers=headers)
        case store_errors.NoSuchVersion():
            extras = {"Key": context.key or error.name, "VersionId": context.version_id or error.file_id}
            return S3Error("NoSuchVersion", extras=extras)
        case store_errors.IsHideMarker():
            return S3Error(
                "MethodNotAllowed",
                extras={"Method": context.method, "ResourceType": "DeleteMarker"},
                headers=[
                    (b"allow", b"DELETE"),
                    (b"x-amz-delete-marker", b"true"),
                    (b"x-amz-version-id", error.file_id.encode("ascii")),
                    (b"last-modified", formatdate(error.uploaded_ms // 1000, usegmt=True).encode("ascii")),
                ],
            )
        case store_errors.NoSuchUpload():
            return S3Error("NoSuchUpload", extras={"UploadId": context.upload_id or error.file_id})
        case store_errors.InvalidFileId() if context.upload_id:
            return S3Error("NoSuchUpload", extras={"UploadId": context.upload_id})
        case store_errors.InvalidFileId():
            return invalid_argument("versionId", context.version_id, "Invalid version id specified")
        case store_errors.PreconditionFailed():
            return S3Error("PreconditionFailed", extras={"Condition": error.condition})
    return None


def _of_bytes(error: store_errors.StoreError, context: ErrorContext) -> S3Error | None:
    """Errors about ranges, sizes and digests."""
    match error:
        case store_errors.RangeNotSatisfiable():
            return S3Error(
                "InvalidRange",
                extras={"RangeRequested": context.range_header, "ActualObjectSize": str(error.size)},
                headers=[(b"content-range", b"bytes */%d" % error.size)],
            )
        case store_errors.DigestMismatch():
            return _of_digest(error, context)
        case store_errors.LengthMismatch():
            extras = {"NumberBytesExpected": str(error.expected), "NumberBytesProvided": str(error.received)}
            return S3Error("IncompleteBody", extras=extras)
        case store_errors.TooLarge():
            extras = {"ProposedSize": str(error.size), "MaxSizeAllowed": str(error.limit)}
            return S3Error("EntityTooLarge", extras=extras)
    return None


def _of_digest(error: store_errors.DigestMismatch, context: ErrorContext) -> S3Error:
    """Tell the digest of the signed payload from the checksums: they have codes of their own."""
    if error.algorithm == "sha256" and error.expected.hex() == context.payload_hash.lower():
        extras = {
            "ClientComputedContentSHA256": context.payload_hash,
            "S3ComputedContentSHA256": error.calculated.hex(),
        }
        return S3Error("XAmzContentSHA256Mismatch", extras=extras)
    extras = {
        "ExpectedDigest": base64.b64encode(error.expected).decode("ascii"),
        "CalculatedDigest": base64.b64encode(error.calculated).decode("ascii"),
    }
    name = "Content-MD5" if error.algorithm == "md5" else error.algorithm.upper()
    return S3Error("BadDigest", f"The {name} you specified did not match the calculated checksum.", extras=extras)


def _of_parts(error: store_errors.StoreError, context: ErrorContext) -> S3Error | None:
    """Errors of completing a multipart upload."""
    match error:
        case store_errors.MissingPart() | store_errors.PartMismatch():
            extras = {"UploadId": context.upload_id, "PartNumber": str(error.part_number)}
            return S3Error("InvalidPart", extras=extras)
        case store_errors.PartTooSmall():
            extras = {
                "ProposedSize": str(error.size),
                "MinSizeAllowed": str(error.minimum),
                "PartNumber": str(error.part_number),
            }
            return S3Error("EntityTooSmall", extras=extras)
        case store_errors.PartOrder():
            return S3Error("InvalidPartOrder", extras={"UploadId": context.upload_id})
    return None


def _of_fields(error: store_errors.StoreError, context: ErrorContext) -> S3Error | None:
    """Errors about a value outside its rules. The general case comes last: the others are its subclasses."""
    match error:
        case store_errors.InvalidFileName() if error.too_long:
            size = len(context.key.encode("utf-8", "surrogatepass"))
            extras = {"Size": str(size), "MaxSizeAllowed": str(limits.FILE_NAME_MAX_BYTES)}
            return S3Error("KeyTooLongError", extras=extras)
        case store_errors.InvalidFileName():
            return invalid_argument("key", context.key, str(error) or None)
        case store_errors.MetadataTooLarge():
            extras = {"MaxSizeAllowed": str(error.limit or limits.S3_METADATA_MAX_BYTES)}
            return S3Error("MetadataTooLarge", str(error) or None, extras=extras)
        case store_errors.BadLogDestination():
            return S3Error("InvalidTargetBucketForLogging", str(error))
        case store_errors.InvalidRequest() if error.field:
            return S3Error("InvalidArgument", str(error) or None, extras={"ArgumentName": error.field})
        case store_errors.InvalidRequest():
            return S3Error("InvalidRequest", str(error) or None)
    return None


def from_http_error(error: http_errors.HTTPInputError) -> S3Error:
    """The S3 answer to bytes that are no usable HTTP request."""
    match error:
        case http_errors.BodyTooLarge():
            extras = {"MaxMessageLengthBytes": str(error.limit_bytes)}
            return S3Error("MaxMessageLengthExceeded", extras=extras)
        case http_errors.BodyStalled():
            return S3Error("RequestTimeout")
        case http_errors.BodyBroken():
            return S3Error("IncompleteBody")
        case http_errors.MalformedURL():
            return S3Error("InvalidURI")
        case http_errors.MalformedXML():
            return S3Error("MalformedXML", str(error))
    return S3Error("BadRequest")
