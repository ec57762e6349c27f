import Base
import Digest
public import Metadata
import SQLite

/// Keys to a store.
public struct StoreKeys: Equatable, Sendable {
    public var accessKey: String
    public var secretKey: String

    public init(accessKey: String, secretKey: String) {
        self.accessKey = accessKey
        self.secretKey = secretKey
    }
}

extension StoreKeys: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "(keys)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why stored keys cannot be used.
public struct KeyringProblem: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// Keeps the keys of provisioned backends sealed in the database, under one key that is derived from a
/// secret.
///
/// The derived key stays in memory once it is known, because to derive it is made to be slow. With a
/// wrong secret nothing opens, and nothing can be sealed, so that no two secrets are in use at once.
public final class Keyring: Sendable {
    private let metadata: Metadata
    private let source: SecretSource
    private let unlocked = Monitor<[UInt8]?>(nil)

    private static let saltBytes = 16
    /// What the proof seals is known; only who opens it matters.
    private static let proof = "gosync"

    public init(metadata: Metadata, source: SecretSource) {
        self.metadata = metadata
        self.source = source
    }

    /// Seals keys for one backend: for another they do not open.
    func seal(_ keys: StoreKeys, for id: String) throws(KeyringProblem) -> [UInt8] {
        let key = try unlock()
        return Self.seal(keys.text, key, for: id)
    }

    public func open(_ sealed: [UInt8], for id: String) throws(KeyringProblem) -> StoreKeys {
        let key = try unlock()
        guard let bytes = Sealing.open(sealed, key: key, owner: Self.owner(id)),
            let keys = StoreKeys(text: String(decoding: bytes, as: UTF8.self))
        else {
            let advice = "give them again with 'gosync backend update \(id)'"
            throw KeyringProblem(
                "its stored keys are damaged, or those of another backend; \(advice)"
            )
        }
        return keys
    }

    /// Seals everything anew under another secret, and returns for how many backends.
    ///
    /// After a crash either the old or the new secret counts for all.
    ///
    /// - Parameter text: the new secret; without it, one is made in GoSync's own file.
    func rotate(to text: String?) throws(KeyringProblem) -> (backends: Int, advice: String?) {
        let old = try unlock()
        let isOwn = if case .file = source.place { true } else { false }
        guard isOwn || text != nil else {
            let advice = "give the new one to 'gosync secret rotate', and write it there then"
            throw KeyringProblem("the secret comes from \(source.place); \(advice)")
        }
        let secret: [UInt8]
        do throws(Errno) {
            if let text { secret = Array(text.utf8) } else { secret = try source.prepareNext() }
        } catch {
            throw KeyringProblem("\(source.place): no new secret can be written: \(error)")
        }
        let (seal, key) = try Self.makeSeal(secret)
        let count = try inDatabase { (rows) throws(MetadataError) -> Int in
            var count = 0
            for var provision in rows.provisions() {
                guard let sealed = provision.sealed else { continue }
                let id = provision.name
                guard let bytes = Sealing.open(sealed, key: old, owner: Self.owner(id)) else {
                    continue
                }
                provision.sealed = Sealing.seal(bytes, key: key, owner: Self.owner(id))
                rows.store(provision)
                count += 1
            }
            rows.store(seal)
            return count
        }
        unlocked.update { $0 = key }
        guard text == nil else {
            return (count, "before the next start, let the new secret come from \(Self.places)")
        }
        do throws(Errno) {
            try source.acceptNext()
        } catch {
            throw KeyringProblem("\(source.place): the new secret cannot take its place: \(error)")
        }
        return (count, nil)
    }

    private static let places =
        "'secret' of [encrypt], $\(SecretSource.variable) or the systemd credential \(SecretSource.credential)"

    /// The derived key, once it is certain to be the right one.
    private func unlock() throws(KeyringProblem) -> [UInt8] {
        if let known = unlocked.withLock({ $0 }) { return known }
        let (seal, isNeeded) = try inDatabase(writing: false) { (rows) throws(MetadataError) in
            (rows.seal(), rows.provisions().contains { $0.sealed != nil })
        }
        let key = if let seal, isNeeded { try unlock(seal) } else { try begin() }
        unlocked.update { $0 = key }
        return key
    }

    private func unlock(_ seal: Seal) throws(KeyringProblem) -> [UInt8] {
        guard let derivation = KeyDerivation(seal.derivation) else {
            throw KeyringProblem("keys are sealed in a way that this version does not know")
        }
        let opens = { (secret: [UInt8]) -> [UInt8]? in
            let key = derivation.key(from: secret, salt: seal.salt)
            return key.flatMap { Sealing.open(seal.proof, key: $0, owner: "") == nil ? nil : $0 }
        }
        let secret = try read()
        if let key = secret.flatMap(opens) { return key }
        if let next = source.readNext(), let key = opens(next) {
            try? source.acceptNext()
            return key
        }
        let advice = "let it come from where it came from before, or remove those backends"
        let what = secret == nil ? "is missing" : "is not the one that they were sealed with"
        throw KeyringProblem(
            "the keys of provisioned backends stay closed: the secret (\(source.place)) \(what); \(advice)"
        )
    }

    /// Nothing is sealed yet: the secret that there is counts from now on.
    private func begin() throws(KeyringProblem) -> [UInt8] {
        let secret: [UInt8]
        do throws(Errno) {
            let known = try source.read()
            if let known { secret = known } else { secret = try source.make() }
        } catch {
            throw KeyringProblem("\(source.place): the secret cannot be read: \(error)")
        }
        let (seal, key) = try Self.makeSeal(secret)
        try inDatabase { (rows) throws(MetadataError) in rows.store(seal) }
        return key
    }

    private func read() throws(KeyringProblem) -> [UInt8]? {
        do throws(Errno) {
            return try source.read()
        } catch {
            throw KeyringProblem("\(source.place): the secret cannot be read: \(error)")
        }
    }

    private static func makeSeal(_ secret: [UInt8]) throws(KeyringProblem) -> (Seal, [UInt8]) {
        let derivation = KeyDerivation.best
        let salt = randomBytes(saltBytes)
        guard let key = derivation.key(from: secret, salt: salt) else {
            throw KeyringProblem("no key can be made of the secret: is there memory left?")
        }
        let proof = Sealing.seal(Array(Self.proof.utf8), key: key, owner: "")
        return (Seal(derivation: derivation.text, salt: salt, proof: proof), key)
    }

    private static func seal(_ text: String, _ key: [UInt8], for id: String) -> [UInt8] {
        Sealing.seal(Array(text.utf8), key: key, owner: owner(id))
    }

    private static func owner(_ id: String) -> String { "gosync backend \(id)" }

    private func inDatabase<R>(
        writing: Bool = true,
        _ body: (Connection) throws(MetadataError) -> R
    ) throws(KeyringProblem) -> R {
        do throws(MetadataError) {
            if !writing { return try metadata.database.read(body) }
            return try metadata.database.write(durably: true, body)
        } catch {
            throw KeyringProblem("the stored keys cannot be read or written: \(error)")
        }
    }
}

extension StoreKeys {
    /// Neither of the two has a line break in it.
    fileprivate var text: String { "\(accessKey)\n\(secretKey)" }

    fileprivate init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 2 else { return nil }
        self.init(accessKey: String(lines[0]), secretKey: String(lines[1]))
    }
}
