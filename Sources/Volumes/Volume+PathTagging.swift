import Base
public import Metadata
import Queries
import SQLite

/// What path rules say of a file, beyond what it has.
public struct ProposedTags: Equatable, Sendable {
    public var file: FileID
    /// Absolute in the volume.
    public var path: String
    public var tags: [Tag]
}

extension Volume {
    /// The tags that the configured rules (`VolumeOptions.pathRules`) read out of the paths of files.
    ///
    /// A key that a file has already is left alone, unless `replacing`: then it gets the one value that
    /// its path says. Where several rules speak of a key, the first does. All files are those at a path
    /// and, of a directory, below it.
    public func proposedTags(
        at path: String,
        replacing: Bool
    ) throws(VolumeProblem) -> [ProposedTags] {
        let files = try files(.paths([path], recursive: true)) ?? []
        return try metadata.database.snapshot { (rows) throws(VolumeProblem) in
            files.compactMap { file in
                guard let path = rows.path(of: file) else { return nil }
                let tags = ruledTags(at: path).filter { tag in
                    let present = rows.tagValues(tag.key, of: file)
                    return replacing
                        ? present.map { Name($0) } != [Name(tag.value)] : present.isEmpty
                }
                return tags.isEmpty ? nil : ProposedTags(file: file, path: path, tags: tags)
            }
        }
    }

    /// Gives files the tags that were proposed for them, all or none, in place of other values of the
    /// same keys; returns how many files they were.
    public func accept(
        _ proposals: [ProposedTags],
        telling: Telling = { _, _ in }
    ) throws(VolumeProblem) -> Int {
        try metadata.database.write(isLong: true) { (rows) throws(VolumeProblem) in
            try changeEach(proposals.map(\.file), rows, telling) { index throws(Errno) in
                var changes = TagChanges()
                changes.set = proposals[index].tags.map { ($0.key, [$0.value]) }
                // It may be gone since.
                guard rows.file(proposals[index].file) != nil else { return }
                try apply(changes, to: proposals[index].file, rows)
            }
        }
        return proposals.count
    }

    private func ruledTags(at path: String) -> [Tag] {
        // `/backends/ID/…`, by bytes.
        let parts = path.utf8.split(
            separator: UInt8(ascii: "/"),
            maxSplits: 2,
            omittingEmptySubsequences: true
        )
        guard parts.count == 3 else { return [] }
        let backend = String(decoding: parts[1], as: UTF8.self)
        let inside = String(decoding: parts[2], as: UTF8.self)
        var tags: [Tag] = []
        for rule in options.pathRules {
            for (key, value) in rule.tags(ofFileAt: inside, on: backend)
            where !tags.contains(where: { Name($0.key) == Name(key) }) {
                tags.append(Tag(key, value))
            }
        }
        return tags
    }
}
