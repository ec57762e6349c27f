import Base
import COpenSSL

/// A hash in the making: feed it bytes, then `finish()`.
///
///     var digest = MessageDigest(.sha256)
///     digest.update(bytes)
///     let hash = digest.finish()
public struct MessageDigest: ~Copyable {
    public enum Algorithm: Sendable {
        /// 32 bytes.
        case sha256
        /// 16 bytes; S3 uses it to notice damage on the way, never for security.
        case md5
    }

    private let context: OpaquePointer

    public init(_ algorithm: Algorithm) {
        guard let context = EVP_MD_CTX_new() else { fatalError("libcrypto: out of memory") }
        let method = algorithm == .sha256 ? Method.sha256 : .md5
        // MD5 may be switched off by a policy of the system; then nothing here could work.
        precondition(
            EVP_DigestInit_ex(context, method.handle, nil) == 1,
            "no \(algorithm) in libcrypto"
        )
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    public mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { buffer in
            _ = EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
        }
    }

    public mutating func update(_ bytes: [UInt8]) { update(bytes.span.bytes) }

    public mutating func update(_ text: String) {
        var text = text
        text.withUTF8 { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    public consuming func finish() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            var length: UInt32 = 0
            precondition(EVP_DigestFinal_ex(context, buffer.baseAddress, &length) == 1)
            count = Int(length)
        }
    }
}

/// An algorithm, looked up once: libcrypto would do so for each hash, which costs more than a short one.
private struct Method: @unchecked Sendable {
    // @unchecked: libcrypto only reads it, and it is never freed.
    let handle: OpaquePointer?

    static let sha256 = Method(handle: EVP_MD_fetch(nil, "SHA256", nil))
    static let md5 = Method(handle: EVP_MD_fetch(nil, "MD5", nil))
}

/// SHA-256 of all the bytes at once.
public func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = MessageDigest(.sha256)
    digest.update(bytes)
    return digest.finish()
}

/// SHA-256 of the text's UTF-8.
public func sha256(_ text: String) -> [UInt8] {
    var digest = MessageDigest(.sha256)
    digest.update(text)
    return digest.finish()
}

/// MD5 of all the bytes at once.
public func md5(_ bytes: [UInt8]) -> [UInt8] {
    var digest = MessageDigest(.md5)
    digest.update(bytes)
    return digest.finish()
}

/// HMAC-SHA-256 (RFC 2104) of the text's UTF-8, 32 bytes.
public func hmacSHA256(key: [UInt8], _ text: String) -> [UInt8] {
    var text = text
    return text.withUTF8 { message in
        [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
            var length: UInt32 = 0
            let result = HMAC(
                Method.sha256.handle,
                key,
                CInt(key.count),
                message.baseAddress,
                message.count,
                buffer.baseAddress,
                &length
            )
            precondition(result != nil, "no HMAC in libcrypto")
            count = Int(length)
        }
    }
}
