import Agent
import Base
import Synchronization
import Wire

/// Contents in memory, and nothing else of what a file system has.
extension ShelfControl {
    func details(of path: String) throws(Problem) -> FileDetails {
        guard let bytes = state.withLock({ $0.contents[path] }) else {
            throw Problem(.noEntry, path: path)
        }
        let entry = Entry(
            name: path,
            kind: .file,
            inode: 1,
            sizeBytes: Int64(bytes.count),
            mode: 0o644,
            owner: 0,
            group: 0,
            modified: Self.moment
        )
        return FileDetails(path: path, entry: entry, changed: Self.moment)
    }

    func changeFile(at path: String, _ change: FileChange) throws(Problem) -> FileDetails {
        let details = try details(of: path)
        state.withLock { state in
            if let new = change.path {
                state.contents[new] = state.contents.removeValue(forKey: path)
            }
        }
        return details
    }

    func removeFile(at path: String) throws(Problem) -> FileDetails {
        let details = try details(of: path)
        state.withLock { $0.contents[path] = nil }
        return details
    }

    func makeDirectory(_ new: NewDirectory) throws(Problem) -> FileDetails {
        throw Problem(.readOnly, path: new.path)
    }

    func open(_ path: String) throws(Problem) -> any OpenContent {
        guard let bytes = state.withLock({ $0.contents[path] }) else {
            throw Problem(.noEntry, path: path)
        }
        return ShelfContent(bytes)
    }

    func create(_ path: String, _ options: NewContent) throws(Problem) -> any ContentDraft {
        if path.hasPrefix("/filters/") { throw Problem(.notPermitted, path: path) }
        return ShelfDraft(self, path)
    }
}

private final class ShelfContent: OpenContent {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var size: Int64 { Int64(bytes.count) }

    func read(at offset: Int64, count: Int) throws(Problem) -> [UInt8] {
        Array(bytes[Int(offset)...].prefix(count))
    }
}

private final class ShelfDraft: ContentDraft {
    private let shelf: ShelfControl
    private let path: String
    private let bytes = Mutex<[UInt8]>([])

    init(_ shelf: ShelfControl, _ path: String) {
        self.shelf = shelf
        self.path = path
    }

    func write(_ bytes: [UInt8]) throws(Problem) { self.bytes.withLock { $0 += bytes } }

    func publish() throws(Problem) -> FileDetails {
        shelf.state.withLock { $0.contents[path] = bytes.withLock { $0 } }
        return try shelf.details(of: path)
    }
}
