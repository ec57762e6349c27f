public import Base
import Cache
public import Metadata
import SQLite

extension Volume {
    /// The value of an extended attribute, in the volume's own words for `user.gosync.*`.
    public func extendedAttribute(_ name: String, of inode: UInt64) throws(Errno) -> [UInt8] {
        let id = FileID(bitPattern: inode)
        if name.utf8.starts(with: ExtendedAttribute.virtualPrefix.utf8) {
            let word = name.utf8.dropFirst(ExtendedAttribute.virtualPrefix.utf8.count)
            return Array(try virtualAttribute(String(decoding: word, as: UTF8.self), of: id).utf8)
        }
        return try metadata.database.read { (rows) throws(Errno) in
            try rows.extendedAttribute(name, of: id)
        }
    }

    /// The names of a file's extended attributes; those of the volume itself are not among them, or
    /// `cp -a` would try to copy them.
    public func extendedAttributes(of inode: UInt64) throws(Errno) -> [String] {
        let id = FileID(bitPattern: inode)
        return try metadata.database.read { (rows) throws(Errno) in rows.extendedAttributes(of: id)
        }
    }

    /// Writes an extended attribute; moves the time of change, and not that of modification.
    public func setExtendedAttribute(
        _ name: String,
        of inode: UInt64,
        to value: [UInt8],
        mode: ExtendedAttribute.Mode
    ) throws(Errno) {
        let id = FileID(bitPattern: inode)
        if name.utf8.starts(with: ExtendedAttribute.virtualPrefix.utf8) {
            return try setVirtualAttribute(name, to: value, of: try file(id))
        }
        // Asked within: the writer's pages are at hand, and a reader's have just been outdated by the last
        // write.
        try metadata.database.write { (rows) throws(Errno) in
            try checkTaggable(id, rows)
            try rows.setExtendedAttribute(name, of: id, to: value, mode: mode)
            rows.touchChange(of: id, at: .now())
        }
    }

    private func setVirtualAttribute(
        _ name: String,
        to value: [UInt8],
        of file: File
    ) throws(Errno) {
        guard let text = String(validating: value, as: UTF8.self) else { throw .illegalBytes }
        if name == ExtendedAttribute.virtualPrefix + "query" {
            return try setQuery(text, ofDirectory: file)
        }
        guard file.backend == 0 else { throw .notPermitted }
        try setFilterOption(name, text, of: file)
    }

    public func removeExtendedAttribute(_ name: String, of inode: UInt64) throws(Errno) {
        let id = FileID(bitPattern: inode)
        if name == ExtendedAttribute.virtualPrefix + "query" {
            return try removeQuery(of: try file(id))
        }
        try metadata.database.write { (rows) throws(Errno) in
            try checkTaggable(id, rows)
            try rows.removeExtendedAttribute(name, of: id)
            rows.touchChange(of: id, at: .now())
        }
    }

    /// Tags lie here and not in the store, so a backend that is read-only takes them too.
    private func checkTaggable(_ id: FileID, _ rows: Connection) throws(Errno) {
        guard ViewPlace(id) == nil else { throw .notPermitted }
        guard let file = rows.file(id) else { throw .stale }
        guard file.backend != 0 else { throw .notPermitted }
    }

    /// What the directory of a backend tells of the backend.
    private func virtualAttribute(_ word: String, of backend: Backend) -> String? {
        switch word {
        case "state": backend.state.state.rawValue
        case "error": backend.state.problem
        case "backend": backend.name.text
        default: nil
        }
    }

    private func virtualAttribute(_ word: String, of id: FileID) throws(Errno) -> String {
        let file = try file(id)
        if file.backend == 0 { return try filterAttribute(word, of: file) }
        if let backend = backends[file.backend], backend.root == id {
            guard let value = virtualAttribute(word, of: backend) else { throw .noData }
            return value
        }
        let (entries, state, error) = try metadata.database.read { (rows) throws(Errno) in
            let entries = rows.entries(of: id)
            let work = entries.compactMap { rows.work(for: $0.id) }
            let error = work.compactMap(\.error).first
            return (entries, deliveryState(of: id, entries, work, rows), error)
        }
        let value: String? =
            switch word {
            case "state": state.rawValue
            case "error": error
            case "backend": backends[file.backend]?.name.text
            case "key": entries.first?.key?.text
            case "etag": entries.first?.isKeptHere == true ? nil : entries.first?.etag
            default: nil
            }
        guard let value else { throw .noData }
        return value
    }

    private func deliveryState(
        of id: FileID,
        _ entries: [Entry],
        _ work: [Work],
        _ rows: Connection
    ) -> DeliveryState {
        if work.contains(where: { $0.error != nil }) { return .error }
        if rows.isJournaled(id) {
            return entries.contains { places.isFollowed($0.id) } ? .uploading : .dirty
        }
        if !work.isEmpty { return .pending }
        return entries.contains { rows.isConflict($0.name) } ? .conflict : .clean
    }
}

/// How far the store has followed a file, as `user.gosync.state` tells.
private enum DeliveryState: String {
    case clean
    /// There are bytes here that the store has not got.
    case dirty
    case uploading
    /// The store has the bytes, and has yet to follow in something else: a name, a mode, a removal.
    case pending
    /// The last attempt failed; it is tried again.
    case error
    /// The store has all of it, and it is ours of two versions.
    case conflict
}
