import COpenSSL

/// AES-256-GCM: nobody without the key can read what is sealed, or change it unnoticed.
public enum Sealing {
    public static let keyBytes = 32
    private static let nonceBytes = 12
    private static let tagBytes = 16

    /// Seals bytes under a key of `keyBytes`, each time with a nonce of its own.
    ///
    /// - Parameter owner: who the bytes belong to; for another one they do not open.
    public static func seal(_ bytes: [UInt8], key: [UInt8], owner: String) -> [UInt8] {
        let nonce = randomBytes(nonceBytes)
        let cipher = Cipher(key: key, nonce: nonce, seals: true)
        cipher.bind(to: owner)
        let sealed = cipher.update(bytes)
        precondition(cipher.finish(), "no AES-256-GCM in libcrypto")
        return nonce + sealed + cipher.tag(count: tagBytes)
    }

    /// The bytes, or `nil` where the key or the owner is another, or they were changed.
    public static func open(_ sealed: [UInt8], key: [UInt8], owner: String) -> [UInt8]? {
        guard sealed.count >= nonceBytes + tagBytes else { return nil }
        let nonce = Array(sealed[..<nonceBytes])
        let cipher = Cipher(key: key, nonce: nonce, seals: false)
        cipher.bind(to: owner)
        let bytes = cipher.update(Array(sealed[nonceBytes..<sealed.count - tagBytes]))
        cipher.expect(tag: Array(sealed[(sealed.count - tagBytes)...]))
        return cipher.finish() ? bytes : nil
    }
}

/// Bytes that nobody can guess.
public func randomBytes(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        precondition(RAND_bytes(buffer.baseAddress, CInt(count)) == 1, "no randomness in libcrypto")
        filled = count
    }
}

/// One run of AES-256-GCM.
private struct Cipher: ~Copyable {
    private let context: OpaquePointer
    private let seals: CInt

    init(key: [UInt8], nonce: [UInt8], seals: Bool) {
        precondition(key.count == Sealing.keyBytes)
        guard let context = EVP_CIPHER_CTX_new() else { fatalError("libcrypto: out of memory") }
        self.context = context
        self.seals = seals ? 1 : 0
        let isReady = EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce, self.seals)
        precondition(isReady == 1, "no AES-256-GCM in libcrypto")
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    func bind(to owner: String) {
        var count: CInt = 0
        let bytes = Array(owner.utf8)
        precondition(EVP_CipherUpdate(context, nil, &count, bytes, CInt(bytes.count)) == 1)
    }

    func update(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, filled in
            var count: CInt = 0
            let size = CInt(bytes.count)
            precondition(EVP_CipherUpdate(context, buffer.baseAddress, &count, bytes, size) == 1)
            filled = Int(count)
        }
    }

    /// `false` where what is opened is not what was sealed.
    func finish() -> Bool {
        // GCM has nothing left to write here.
        var rest = [UInt8](repeating: 0, count: 16)
        var count: CInt = 0
        return EVP_CipherFinal_ex(context, &rest, &count) == 1
    }

    func tag(count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let size = CInt(count)
            let answer = EVP_CIPHER_CTX_ctrl(
                context,
                EVP_CTRL_AEAD_GET_TAG,
                size,
                buffer.baseAddress
            )
            precondition(answer == 1)
            filled = count
        }
    }

    func expect(tag: [UInt8]) {
        var tag = tag
        let size = CInt(tag.count)
        precondition(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, size, &tag) == 1)
    }
}
