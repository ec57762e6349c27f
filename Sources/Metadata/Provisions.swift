public import Base
public import SQLite

/// A backend that was set up at run time.
public struct Provision: Equatable, Sendable {
    public var backend: Int64
    public var name: String
    /// As a configuration would have them, a JSON object, without the keys to the store.
    public var settings: String
    /// The keys, where there are any.
    public var sealed: [UInt8]?

    public init(backend: Int64, name: String, settings: String, sealed: [UInt8]?) {
        self.backend = backend
        self.name = name
        self.settings = settings
        self.sealed = sealed
    }
}

/// How the key that seals others is made, and what shows whether it is the right one.
public struct Seal: Equatable, Sendable {
    public var derivation: String
    public var salt: [UInt8]
    public var proof: [UInt8]

    public init(derivation: String, salt: [UInt8], proof: [UInt8]) {
        self.derivation = derivation
        self.salt = salt
        self.proof = proof
    }
}

/// A scan that was begun and has not ended.
public struct UnfinishedScan: Equatable, Sendable {
    /// What it looks at, with all below it.
    public var directory: FileID
    public var backend: Int64
    public var began: Timestamp
    /// Everything up to this key is done.
    public var position: Key?

    public init(directory: FileID, backend: Int64, began: Timestamp, position: Key? = nil) {
        self.directory = directory
        self.backend = backend
        self.began = began
        self.position = position
    }
}

extension Connection {
    public func provisions() -> [Provision] {
        var found: [Provision] = []
        each(
            """
            SELECT p.backend, b.name, p.settings, p.sealed FROM provision p
            JOIN backend b ON b.id = p.backend ORDER BY b.name
            """
        ) { row in
            found.append(
                Provision(
                    backend: row.integer(0),
                    name: row.text(1),
                    settings: row.text(2),
                    sealed: row.isNull(3) ? nil : row.blob(3)
                )
            )
            return true
        }
        return found
    }

    public func store(_ provision: Provision) {
        run(
            "INSERT OR REPLACE INTO provision(backend, settings, sealed) VALUES (?, ?, ?)",
            .integer(provision.backend),
            .text(provision.settings),
            provision.sealed.map(Value.blob) ?? .null
        )
    }

    public func deleteProvision(of backend: Int64) {
        run("DELETE FROM provision WHERE backend = ?", .integer(backend))
    }

    public func seal() -> Seal? {
        first("SELECT derivation, salt, proof FROM seal") {
            Seal(
                derivation: $0.text(0),
                salt: $0.blob(1),
                proof: $0.blob(2)
            )
        }
    }

    public func store(_ seal: Seal) {
        run(
            "INSERT OR REPLACE INTO seal(id, derivation, salt, proof) VALUES (1, ?, ?, ?)",
            .text(seal.derivation),
            .blob(seal.salt),
            .blob(seal.proof)
        )
    }

    public func unfinishedScans() -> [UnfinishedScan] {
        var found: [UnfinishedScan] = []
        each("SELECT directory, backend, began, position FROM scan") { row in
            found.append(
                UnfinishedScan(
                    directory: row.integer(0),
                    backend: row.integer(1),
                    began: Timestamp(nanoseconds: row.integer(2)),
                    position: row.optionalText(3).map(Key.init)
                )
            )
            return true
        }
        return found
    }

    public func store(_ scan: UnfinishedScan) {
        run(
            "INSERT OR REPLACE INTO scan(directory, backend, began, position) VALUES (?, ?, ?, ?)",
            .integer(scan.directory),
            .integer(scan.backend),
            .integer(scan.began.nanoseconds),
            .optional(scan.position?.text)
        )
    }

    public func deleteScan(of directory: FileID) {
        run("DELETE FROM scan WHERE directory = ?", .integer(directory))
    }

    public func deleteScans(of backend: Int64) {
        run("DELETE FROM scan WHERE backend = ?", .integer(backend))
    }
}
