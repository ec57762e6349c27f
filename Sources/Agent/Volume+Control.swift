import Base
import Metadata
public import Volumes
public import Wire

// The volume's own calls in the words of the control API. Every problem names the path that was asked
// for, and not the inode it led to.

extension Volume: Control {
    public func status() throws(Problem) -> VolumeStatus {
        let summary = try about("the volume") { () throws(Errno) in try self.summary() }
        return VolumeStatus(
            backends: summary.backends.map(VolumeStatus.Backend.init),
            cache: VolumeStatus.Cache(
                usedBytes: summary.cacheBytes,
                sizeBytes: summary.cacheSizeBytes
            ),
            pendingUploads: Int(summary.backends.reduce(0) { $0 + $1.pending }),
            pendingBytes: summary.pendingBytes,
            pending: VolumeStatus.Pending(summary.pending),
            files: Int(summary.files),
            tags: Int(summary.tags),
            filters: Int(summary.filters),
            conflicts: Int(summary.conflicts)
        )
    }

    public func checkBackends(_ id: String?) throws(Problem) -> Checks {
        let stores = stores(named: id.map { Name($0) })
        guard id == nil || !stores.isEmpty else {
            throw Problem(noBackend: id ?? "")
        }
        return Checks(checks: stores.map { Check(backend: $0.name.text, $0.store) })
    }

    public func list(
        _ path: String,
        after: String?,
        limit: Int
    ) throws(Problem) -> Listing {
        let cookie = try Self.cookie(after)
        return try about(path) { () throws(Errno) in
            let found = try resolve(path)
            guard found.isDirectory else {
                return Listing(path: path, entries: [try entry(Self.lastName(path), found)])
            }
            if cookie == 0 { try openDirectory(found.inode) }
            let page = try list(found.inode, after: cookie, limit: limit)
            var entries: [Wire.Entry] = []
            for item in page {
                var attributes = item.attributes
                if item.certainty != .all {
                    do throws(Errno) {
                        attributes = try lookup(item.name, in: found.inode).attributes
                    } catch {
                        if error == .noEntry { continue }
                    }
                }
                var entry = try entry(item.name.text, attributes)
                if found.inode == UInt64(FileID.backends) {
                    entry.state = backendState(of: item.attributes.inode)
                }
                entries.append(entry)
            }
            // A page of a filter may be short and yet not the last: only an empty one is.
            let isLast = page.count < limit && !isView(found.inode)
            let next = isLast ? nil : page.last.map { "\($0.cookie)" }
            return Listing(path: path, entries: entries, next: next)
        }
    }

    public func tags(of path: String) throws(Problem) -> [Wire.Tag] {
        try about(path) { () throws(Errno) in
            Self.grouped(try tags(of: try resolve(path).inode))
        }
    }

    public func changeTags(_ change: TagChange) throws(Problem) -> [Wire.Tag] {
        let changes = Self.changes(remove: change.remove, set: change.set, add: change.add)
        let found = try about(change.path) { () throws(Errno) in try resolve(change.path) }
        do throws(Errno) {
            return Self.grouped(try self.change(changes, ofTagsOf: found.inode))
        } catch {
            switch error {
            case .notPermitted:
                let advice = "tags go on what lies below /backends"
                throw Problem(
                    .forbidden,
                    "\(change.path): this directory is GoSync's own; \(advice)"
                )
            case .argumentTooBig:
                let limits = "\(StoredTag.mostValues) values and 64 KiB"
                throw Problem(.unusable, "\(change.path): a tag has at most \(limits)")
            case .noSpace:
                let why = "the names of all its tags and attributes have at most 64 KiB"
                throw Problem(.full, "\(change.path): no more tags fit; \(why)")
            default: throw Problem(error, path: change.path)
            }
        }
    }

    static func changes(
        remove: [Wire.Tag],
        set: [Wire.Tag],
        add: [Wire.Tag]
    ) -> TagChanges {
        var changes = TagChanges()
        for tag in remove {
            if tag.values.isEmpty { changes.removed.append((tag.key, nil)) }
            for value in tag.values { changes.removed.append((tag.key, value)) }
        }
        changes.set = set.map { ($0.key, $0.values) }
        changes.added = add.flatMap { tag in tag.values.map { StoredTag(tag.key, $0) } }
        return changes
    }

    public func search(
        _ query: String,
        after: String?,
        limit: Int
    ) throws(Problem) -> Matches {
        let cookie = try Self.cookie(after)
        do throws(VolumeProblem) {
            let found = try search(query, after: cookie, limit: limit)
            return Matches(
                files: found.map(Match.init),
                warnings: cookie == 0 ? try warnings(about: query) : [],
                next: found.last.map { "\($0.file)" }
            )
        } catch {
            throw Problem(error, path: "the query")
        }
    }

    func about<R>(
        _ path: String,
        _ body: () throws(Errno) -> R
    ) throws(Problem) -> R {
        do throws(Errno) {
            return try body()
        } catch {
            throw Problem(error, path: path)
        }
    }

    func entry(_ name: String, _ attributes: Attributes) throws(Errno) -> Wire.Entry {
        let kind: Wire.Entry.Kind
        switch attributes.mode & 0o170000 {
        case 0o040000: kind = isView(attributes.inode) ? .filter : .directory
        case 0o100000: kind = .file
        case 0o120000: kind = .symlink
        default: kind = .other
        }
        return Wire.Entry(
            name: name,
            kind: kind,
            inode: attributes.inode,
            sizeBytes: attributes.size,
            mode: attributes.mode & 0o7777,
            owner: attributes.owner,
            group: attributes.group,
            modified: Moment(attributes.modified),
            target: kind == .symlink ? try? target(of: attributes.inode) : nil
        )
    }

    /// As the directory of the backend tells it.
    private func backendState(of inode: UInt64) -> VolumeStatus.Backend.State? {
        let value = try? extendedAttribute("user.gosync.state", of: inode)
        return value.flatMap { .init(rawValue: String(decoding: $0, as: UTF8.self)) }
    }

    static func lastName(_ path: String) -> String {
        let name = path.utf8.split(separator: UInt8(ascii: "/")).last
        return name.map { String(decoding: $0, as: UTF8.self) } ?? "/"
    }

    static func cookie(_ after: String?) throws(Problem) -> Int64 {
        guard let after else { return 0 }
        guard let cookie = Int64(after), cookie >= 0 else {
            let rule = "it is the 'next' of the page before"
            throw Problem(.malformed, "'after' cannot be '\(after)': \(rule).")
        }
        return cookie
    }

    /// Tags come sorted by key.
    static func grouped(_ tags: [StoredTag]) -> [Wire.Tag] {
        var result: [Wire.Tag] = []
        for tag in tags {
            if let last = result.last, Name(last.key) == Name(tag.key) {
                result[result.count - 1].values.append(tag.value)
            } else {
                result.append(Wire.Tag(key: tag.key, values: [tag.value]))
            }
        }
        return result
    }
}

extension Match {
    init(_ found: Found) {
        self.init(
            path: found.path,
            sizeBytes: found.attributes.size,
            modified: Moment(found.attributes.modified)
        )
    }
}
