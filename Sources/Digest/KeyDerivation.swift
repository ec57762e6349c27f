import COpenSSL

/// How a key is made from a secret that people may choose: slowly, so that guessing is expensive.
///
/// Written as text (`scrypt:15:8:1`), so that what was sealed under an older way still opens.
public enum KeyDerivation: Equatable, Sendable {
    /// RFC 7914; takes 128 · 2^cost · blocks bytes of memory.
    case scrypt(cost: UInt64, blocks: UInt64, lanes: UInt64)
    /// RFC 9106; OpenSSL has it from version 3.2 on.
    case argon2id(memoryKiB: UInt32, passes: UInt32, lanes: UInt32)

    /// The best way that the libcrypto at hand knows.
    public static var best: KeyDerivation { hasArgon2 ? bestArgon2 : bestScrypt }

    /// 32 MiB and about a tenth of a second.
    static let bestScrypt = KeyDerivation.scrypt(cost: 15, blocks: 8, lanes: 1)
    static let bestArgon2 = KeyDerivation.argon2id(memoryKiB: 64 << 10, passes: 3, lanes: 1)

    /// What is read from a damaged database must not take all memory.
    private static let memoryLimit: UInt64 = 1 << 30

    static var hasArgon2: Bool {
        guard let method = EVP_KDF_fetch(nil, "ARGON2ID", nil) else { return false }
        EVP_KDF_free(method)
        return true
    }

    public var text: String {
        switch self {
        case .scrypt(let cost, let blocks, let lanes): "scrypt:\(cost):\(blocks):\(lanes)"
        case .argon2id(let memory, let passes, let lanes): "argon2id:\(memory):\(passes):\(lanes)"
        }
    }

    public init?(_ text: String) {
        let parts = text.split(separator: ":")
        let numbers = parts.dropFirst().compactMap { UInt32($0) }
        guard parts.count == 4, numbers.count == 3, !numbers.contains(0) else { return nil }
        switch parts[0] {
        case "scrypt" where numbers[0] < 32:
            let wide = numbers.map(UInt64.init)
            self = .scrypt(cost: wide[0], blocks: wide[1], lanes: wide[2])
        case "argon2id":
            self = .argon2id(memoryKiB: numbers[0], passes: numbers[1], lanes: numbers[2])
        default: return nil
        }
    }

    /// A key of `Sealing.keyBytes`; `nil` where libcrypto does not know the way, or it takes too much.
    public func key(from secret: [UInt8], salt: [UInt8]) -> [UInt8]? {
        var isDone = false
        let key = [UInt8](unsafeUninitializedCapacity: Sealing.keyBytes) { buffer, filled in
            isDone = fill(buffer, from: secret, salt: salt)
            filled = isDone ? buffer.count : 0
        }
        return isDone ? key : nil
    }

    private func fill(
        _ key: UnsafeMutableBufferPointer<UInt8>,
        from secret: [UInt8],
        salt: [UInt8]
    ) -> Bool {
        switch self {
        case .scrypt(let cost, let blocks, let lanes):
            return secret.withUnsafeBytes { secret in
                EVP_PBE_scrypt(
                    secret.baseAddress?.assumingMemoryBound(to: CChar.self),
                    secret.count,
                    salt,
                    salt.count,
                    1 << cost,
                    blocks,
                    lanes,
                    Self.memoryLimit,
                    key.baseAddress,
                    key.count
                ) == 1
            }
        case .argon2id(let memory, let passes, let lanes):
            guard UInt64(memory) << 10 <= Self.memoryLimit else { return false }
            return argon2(key, secret, salt, memory: memory, passes: passes, lanes: lanes)
        }
    }

    private func argon2(
        _ key: UnsafeMutableBufferPointer<UInt8>,
        _ secret: [UInt8],
        _ salt: [UInt8],
        memory: UInt32,
        passes: UInt32,
        lanes: UInt32
    ) -> Bool {
        guard let method = EVP_KDF_fetch(nil, "ARGON2ID", nil) else { return false }
        defer { EVP_KDF_free(method) }
        guard let context = EVP_KDF_CTX_new(method) else { return false }
        defer { EVP_KDF_CTX_free(context) }
        var (secret, salt) = (secret, salt)
        var (memory, passes, lanes) = (memory, passes, lanes)
        return secret.withUnsafeMutableBytes { secret in
            salt.withUnsafeMutableBytes { salt in
                withUnsafeMutablePointer(to: &memory) { memory in
                    withUnsafeMutablePointer(to: &passes) { passes in
                        withUnsafeMutablePointer(to: &lanes) { lanes in
                            let parameters = [
                                Self.octets("pass", secret), Self.octets("salt", salt),
                                Self.number("memcost", memory), Self.number("iter", passes),
                                Self.number("lanes", lanes), OSSL_PARAM_construct_end(),
                            ]
                            return EVP_KDF_derive(context, key.baseAddress, key.count, parameters)
                                == 1
                        }
                    }
                }
            }
        }
    }

    private static func octets(
        _ name: StaticString,
        _ bytes: UnsafeMutableRawBufferPointer
    ) -> OSSL_PARAM {
        name.withUTF8Buffer { text in
            text.withMemoryRebound(to: CChar.self) { text in
                OSSL_PARAM_construct_octet_string(text.baseAddress, bytes.baseAddress, bytes.count)
            }
        }
    }

    private static func number(
        _ name: StaticString,
        _ value: UnsafeMutablePointer<UInt32>
    ) -> OSSL_PARAM {
        name.withUTF8Buffer { text in
            text.withMemoryRebound(to: CChar.self) { text in
                OSSL_PARAM_construct_uint32(text.baseAddress, value)
            }
        }
    }
}
