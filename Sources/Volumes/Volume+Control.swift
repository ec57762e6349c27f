public import Base
import Cache
public import Metadata
import Queries
public import SQLite
public import Stores

extension Volume {
    /// The inode that an absolute path of the volume leads to; links are not followed.
    public func resolve(_ path: String) throws(Errno) -> Attributes {
        var current = try attributes(of: UInt64(FileID.root))
        for component in components(path) {
            current = try lookup(Name(component), in: current.inode).attributes
        }
        return current
    }

    /// The absolute path of a file, by its oldest name.
    public func path(of inode: UInt64) throws(Errno) -> String? {
        try metadata.database.read { (rows) throws(Errno) in
            rows.path(of: FileID(bitPattern: inode))
        }
    }

    /// The names in a path, by bytes: a character may reach over the slash before it.
    private func components(_ path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func belowFilters(_ path: String) -> String {
        String(decoding: path.utf8.dropFirst("/filters/".utf8.count), as: UTF8.self)
    }

    /// The paths of the files that somebody may be writing to, but for those without a name.
    public func pathsOpenForWriting() -> [String] {
        nodes.all.filter { $0.now.writers > 0 }
            .compactMap { (try? path(of: UInt64(bitPattern: $0.id))) ?? nil }
    }

    /// Whether an inode is the directory of a filter.
    public func isView(_ inode: UInt64) -> Bool {
        (try? isFilter(FileID(bitPattern: inode))) ?? false
    }

    public func tags(of inode: UInt64) throws(Errno) -> [Tag] {
        try metadata.database.read { (rows) throws(Errno) in
            rows.tags(of: FileID(bitPattern: inode))
        }
    }

    /// Changes the tags of a file in one transaction, and returns them as they are then.
    public func change(_ changes: TagChanges, ofTagsOf inode: UInt64) throws(Errno) -> [Tag] {
        let file = try file(FileID(bitPattern: inode))
        guard file.backend != 0 else { throw .notPermitted }
        return try metadata.database.write { (rows) throws(Errno) in
            try apply(changes, to: file.id, rows)
            rows.touchChange(of: file.id, at: .now())
            notify(.attributes(of: inode))
            return rows.tags(of: file.id)
        }
    }

    /// A page of what a query selects, in the order of the files' numbers.
    public func search(
        _ query: String,
        after file: FileID,
        limit: Int
    ) throws(VolumeProblem) -> [Found] {
        try inProblem { (rows) throws(MetadataError) in
            try rows.files(matching: query, after: file, limit: limit, at: .local())
                .compactMap { id in
                    guard let path = rows.path(of: id), let file = rows.file(id) else {
                        return nil
                    }
                    return Found(file: id, path: path, attributes: attributes(of: file))
                }
        }
    }

    /// What may be a mistake in a query that can be understood.
    public func warnings(about query: String) throws(VolumeProblem) -> [String] {
        try inProblem { (rows) throws(MetadataError) in try rows.check(query: query) }
    }

    /// How many files a query selects, and what may be a mistake in it.
    public func test(_ query: String) throws(VolumeProblem) -> (count: Int, warnings: [String]) {
        try inProblem { (rows) throws(MetadataError) in
            let filter = Filter(file: 0, query: query)
            return (try rows.memberCount(of: filter, at: .local()), try rows.check(query: query))
        }
    }

    public func filterDescriptions() throws(VolumeProblem) -> [FilterDescription] {
        try inProblem { (rows) throws(MetadataError) in
            rows.filters().compactMap { Self.description(of: $0, rows) }
                .sorted { Name($0.path) < Name($1.path) }
        }
    }

    /// The filter at a path below `/filters`, if there is one.
    public func filterDescription(at path: String) throws(VolumeProblem) -> FilterDescription? {
        try inProblem { (rows) throws(MetadataError) in
            rows.filter(at: path).flatMap { Self.description(of: $0, rows) }
        }
    }

    private static func description(of filter: Filter, _ rows: Connection) -> FilterDescription? {
        guard let path = rows.path(of: filter.file) else { return nil }
        var description = FilterDescription(
            path: belowFilters(path),
            query: filter.query,
            layout: filter.layout,
            names: filter.names,
            folds: filter.folds,
            asserts: filter.asserts,
            untags: filter.untags,
            isConfigured: filter.isConfigured
        )
        do throws(MetadataError) {
            _ = try rows.check(query: filter.query)
        } catch {
            description.problem = error.description
        }
        return description
    }

    /// Makes a filter, and the directories above it.
    public func createFilter(_ new: FilterDescription) throws(VolumeProblem) {
        try writing { (rows) throws(VolumeProblem) in
            let directory = try makeDirectories(new.path, rows)
            guard rows.filter(of: directory) == nil else { throw .errno(.exists) }
            try store(new, in: directory, rows)
        }
    }

    /// Replaces the filter at a path, and moves it if the new one's path is another.
    public func updateFilter(
        at path: String,
        to new: FilterDescription
    ) throws(VolumeProblem) {
        try writing { (rows) throws(VolumeProblem) in
            guard let filter = rows.filter(at: path),
                let entry = rows.entries(of: filter.file).first
            else { throw .errno(.noEntry) }
            guard !filter.isConfigured else { throw .configured }
            if Name(new.path) != Name(path) {
                let components = components(new.path)
                let above = try makeDirectories(components.dropLast().joined(separator: "/"), rows)
                do throws(Errno) {
                    let name = Name(components.last ?? "")
                    try move(entry, to: name, in: above, replacing: false, rows)
                } catch {
                    throw .errno(error)
                }
            }
            try store(new, in: filter.file, rows)
        }
    }

    /// Removes a filter; its directory goes too, unless others lie below it.
    public func deleteFilter(at path: String) throws(VolumeProblem) {
        try writing { (rows) throws(VolumeProblem) in
            guard let filter = rows.filter(at: path),
                let entry = rows.entries(of: filter.file).first
            else { throw .errno(.noEntry) }
            guard !filter.isConfigured else { throw .configured }
            if rows.hasChildren(filter.file) {
                rows.deleteFilter(of: filter.file)
            } else {
                removeDirectoryRow(entry, rows)
            }
        }
    }

    /// Makes the configuration's filters what they are to be, and forgets those no longer in it.
    public func configureFilters(
        _ filters: [FilterDescription]
    ) throws(ConfiguredFilterProblem) {
        try metadata.database.write { (rows) throws(ConfiguredFilterProblem) in
            let wanted = Set(filters.map { Name($0.path) })
            for known in rows.filters() where known.isConfigured {
                guard let path = rows.path(of: known.file),
                    !wanted.contains(Name(Self.belowFilters(path)))
                else { continue }
                rows.deleteFilter(of: known.file)
                if !rows.hasChildren(known.file), let entry = rows.entries(of: known.file).first {
                    removeDirectoryRow(entry, rows)
                }
            }
            try storeInTurn(filters, rows)
        }
    }

    /// Stores filters of which one may speak of another that comes later, so those that fail have
    /// another turn for as long as that helps.
    private func storeInTurn(
        _ filters: [FilterDescription],
        _ rows: Connection
    ) throws(ConfiguredFilterProblem) {
        var rest = filters
        while !rest.isEmpty {
            var failed: [FilterDescription] = []
            var first: ConfiguredFilterProblem?
            for filter in rest {
                do throws(VolumeProblem) {
                    try store(filter, in: try makeDirectories(filter.path, rows), rows)
                } catch {
                    let problem = ConfiguredFilterProblem(path: filter.path, problem: error)
                    guard case .query = error else { throw problem }
                    failed.append(filter)
                    first = first ?? problem
                }
            }
            if let first, failed.count == rest.count { throw first }
            rest = failed
        }
    }

    /// The store of one backend, or of all, by name.
    public func stores(named name: Name?) -> [(name: Name, store: any Store)] {
        backends.values.filter { name == nil || $0.name == name }
            .map { ($0.name, $0.store) }.sorted { $0.name < $1.name }
    }

    public func summary() throws(Errno) -> VolumeSummary {
        let pending = try pendingProgress()
        return try metadata.database.read { (rows) throws(Errno) in
            let list = backends.values.sorted { $0.name < $1.name }.map { backend in
                summary(of: backend, rows)
            }
            let counts = rows.counts()
            return VolumeSummary(
                backends: list,
                cacheBytes: cache.diskBytes,
                cacheSizeBytes: cache.sizeBytes,
                pendingBytes: rows.journaledFiles().reduce(0) { $0 + (rows.file($1)?.size ?? 0) },
                pending: pending,
                files: counts.files,
                tags: counts.tags,
                filters: counts.filters,
                conflicts: counts.conflicts
            )
        }
    }

    private func summary(of backend: Backend, _ rows: Connection) -> VolumeSummary.Backend {
        let work = rows.pendingWork(.backend(backend.number), at: .now())
        let description = backend.description
        let (state, problem) = backend.state
        return VolumeSummary.Backend(
            name: backend.name.text,
            label: description.label,
            type: description.type,
            place: description.place,
            isReadOnly: description.isReadOnly,
            isProvisioned: description.isProvisioned,
            state: state,
            problem: problem,
            capabilities: description.store.knownCapabilities,
            pending: work.count,
            failed: work.failed
        )
    }

    /// The directory at a path below /filters, with all above it, made where they are missing.
    private func makeDirectories(_ path: String, _ rows: Connection) throws(VolumeProblem) -> FileID
    {
        var current = FileID.filters
        for component in components(path) {
            guard component.utf8.count <= Name.longestBytes, component != ".", component != ".."
            else {
                throw .errno(.invalid)
            }
            if let entry = rows.entry(named: Name(component), in: current) {
                current = entry.file
                continue
            }
            let now = Timestamp.now()
            let mode = 0o040000 | options.directoryMode
            let file = File(
                backend: 0,
                mode: mode,
                owner: options.owner,
                group: options.group,
                at: now
            )
            let made = rows.insert(file)
            _ = rows.insert(Entry(parent: current, name: Name(component), file: made, backend: 0))
            rows.addLinks(1, to: current)
            rows.touch(directory: current, at: now)
            current = made
        }
        return current
    }

    private func store(
        _ description: FilterDescription,
        in directory: FileID,
        _ rows: Connection
    ) throws(VolumeProblem) {
        guard directory != .filters else { throw .errno(.invalid) }
        var filter = rows.filter(of: directory) ?? Filter(file: directory, query: description.query)
        filter.query = description.query
        filter.layout = description.layout
        filter.names = description.names
        filter.folds = description.folds
        filter.asserts = description.asserts
        filter.untags = description.untags
        filter.isConfigured = description.isConfigured
        try store(filter, rows)
    }

    func store(_ filter: Filter, _ rows: Connection) throws(VolumeProblem) {
        do throws(MetadataError) {
            try Self.checkGestures(filter)
            try rows.store(filter)
        } catch {
            throw VolumeProblem(error)
        }
    }

    private func writing(_ body: (Connection) throws(VolumeProblem) -> Void) throws(VolumeProblem) {
        try metadata.database.write(body)
    }

    func inProblem<R>(
        _ body: (Connection) throws(MetadataError) -> R
    ) throws(VolumeProblem) -> R {
        do throws(MetadataError) {
            return try metadata.database.snapshot(body)
        } catch {
            throw VolumeProblem(error)
        }
    }
}

extension ConfiguredFilterProblem: DatabaseFailure {
    public init(_ error: DatabaseError) {
        self.init(path: nil, problem: VolumeProblem(error))
    }
}

extension VolumeProblem: CustomStringConvertible {
    public var description: String {
        switch self {
        case .errno(let error): "\(error)"
        case .query(let text): text
        case .configured: "it stands in the configuration"
        }
    }
}
