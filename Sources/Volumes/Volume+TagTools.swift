public import Base
public import Metadata
import Queries
import SQLite

/// Which files a change of tags is for.
public enum TagTargets: Equatable, Sendable {
    case query(String)
    /// Absolute paths; of directories, with `recursive`, all files below.
    case paths([String], recursive: Bool)
}

/// Hears how many of how many files are done, within the transaction: it must not wait for anybody.
public typealias Telling = (_ done: Int, _ all: Int) -> Void

extension Volume {
    /// Changes the tags of many files in one transaction, and returns how many they are.
    public func change(
        _ changes: TagChanges,
        of targets: TagTargets,
        telling: Telling = { _, _ in }
    ) throws(VolumeProblem) -> Int {
        let given = try files(targets)
        return try metadata.database.write(isLong: true) { (rows) throws(VolumeProblem) in
            let files: [FileID]
            if let given { files = given } else { files = try selected(targets, rows) }
            try changeEach(files, rows, telling) { index throws(Errno) in
                try apply(changes, to: files[index], rows)
            }
            return files.count
        }
    }

    /// Does something to the tags of each file, by its index.
    func changeEach(
        _ files: [FileID],
        _ rows: Connection,
        _ telling: Telling,
        _ change: (Int) throws(Errno) -> Void
    ) throws(VolumeProblem) {
        let now = Timestamp.now()
        do throws(Errno) {
            for (index, file) in files.enumerated() {
                telling(index, files.count)
                try change(index)
                rows.touchChange(of: file, at: now)
                notify(.attributes(of: UInt64(bitPattern: file)))
            }
        } catch {
            throw .errno(error)
        }
        telling(files.count, files.count)
    }

    func apply(_ changes: TagChanges, to file: FileID, _ rows: Connection) throws(Errno) {
        for (key, value) in changes.removed {
            if let value {
                rows.removeTag(Tag(key, value), of: file)
            } else {
                rows.removeTag(key: key, of: file)
            }
        }
        for (key, values) in changes.set { try rows.setTag(key, to: values, of: file) }
        for tag in changes.added { try rows.addTag(tag, to: file) }
    }

    private func selected(
        _ targets: TagTargets,
        _ rows: Connection
    ) throws(VolumeProblem) -> [FileID] {
        guard case .query(let query) = targets else { return [] }
        do throws(MetadataError) {
            return try rows.files(matching: query, after: 0, limit: .max, at: .local())
        } catch {
            throw VolumeProblem(error)
        }
    }

    func files(_ targets: TagTargets) throws(VolumeProblem) -> [FileID]? {
        guard case .paths(let paths, let recursive) = targets else { return nil }
        var files: [FileID] = []
        do throws(Errno) {
            for path in paths {
                let found = try resolve(path)
                if recursive, found.isDirectory {
                    try collect(below: found.inode, into: &files)
                } else {
                    guard try file(FileID(bitPattern: found.inode)).backend != 0 else {
                        throw .notPermitted
                    }
                    files.append(FileID(bitPattern: found.inode))
                }
            }
        } catch {
            throw .errno(error)
        }
        return files
    }

    private func collect(below directory: UInt64, into files: inout [FileID]) throws(Errno) {
        var directories = [directory]
        while let directory = directories.popLast() {
            try openDirectory(directory)
            var cookie: Int64 = 0
            while true {
                let page = try list(
                    directory,
                    after: cookie,
                    limit: Self.walkPage,
                    withAttributes: false
                )
                guard let last = page.last else { break }
                cookie = last.cookie
                for entry in page {
                    if entry.attributes.isDirectory {
                        directories.append(entry.attributes.inode)
                    } else {
                        files.append(FileID(bitPattern: entry.attributes.inode))
                    }
                }
            }
        }
    }

    private static let walkPage = 1000

    public func tagKeys() throws(Errno) -> [TagCount] {
        try metadata.database.read { (rows) throws(Errno) in rows.tagKeys() }
    }

    public func tagValues(_ key: String) throws(Errno) -> [TagCount] {
        try metadata.database.read { (rows) throws(Errno) in rows.tagValues(key) }
    }

    /// Gives a key another name on every file, in one transaction; returns how many files had it.
    public func renameTag(
        _ key: String,
        to new: String,
        telling: Telling = { _, _ in }
    ) throws(VolumeProblem) -> Int {
        try metadata.database.write(isLong: true) { (rows) throws(VolumeProblem) in
            let files = rows.files(withTag: key)
            try changeEach(files, rows, telling) { index throws(Errno) in
                try rows.renameTag(key, to: new, of: files[index])
            }
            return files.count
        }
    }

    /// A page of all files that have tags or attributes, each with its path.
    public func taggedFiles(
        after file: FileID,
        limit: Int
    ) throws(Errno) -> (files: [(path: String, file: TaggedFile)], next: FileID?) {
        try metadata.database.snapshot { (rows) throws(Errno) in
            let page = rows.taggedFiles(after: file, limit: limit)
            let named = page.compactMap { tagged in
                rows.path(of: tagged.file).map { (path: $0, file: tagged) }
            }
            return (named, page.last?.file)
        }
    }

    /// Gives files back what an export has of them; returns those that are not there.
    public func restore(
        _ files: [(path: String, tags: [Tag], attributes: [(name: String, value: [UInt8])])]
    ) throws(Errno) -> [String] {
        var missing: [String] = []
        var found: [(Int, FileID)] = []
        for (index, file) in files.enumerated() {
            do throws(Errno) {
                found.append((index, FileID(bitPattern: try resolve(file.path).inode)))
            } catch {
                guard error == .noEntry || error == .notDirectory else { throw error }
                missing.append(file.path)
            }
        }
        try metadata.database.write { (rows) throws(Errno) in
            for (index, id) in found {
                for tag in files[index].tags { try rows.addTag(tag, to: id) }
                for attribute in files[index].attributes {
                    try rows.setExtendedAttribute(attribute.name, of: id, to: attribute.value)
                }
                rows.touchChange(of: id, at: .now())
            }
        }
        return missing
    }

    /// How a query is gone about: the tree, the SQL, SQLite's plan, and how many rows it goes through.
    public func explain(_ query: String) throws(VolumeProblem) -> QueryExplanation {
        try inProblem { (rows) throws(MetadataError) in
            let found = try rows.explanation(of: query, at: .local())
            return QueryExplanation(
                tree: found.tree,
                sql: found.sql,
                plan: found.plan,
                rows: found.rows,
                warnings: try rows.check(query: query)
            )
        }
    }
}

public struct QueryExplanation: Equatable, Sendable {
    public var tree: String
    public var sql: String
    /// A step a line.
    public var plan: [String]
    /// About how many rows it goes through.
    public var rows: Int64
    public var warnings: [String]
}
