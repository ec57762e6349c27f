import Glibc
import Synchronization

/// A place between two steps, at which a test may end the process as a crash would.
///
/// `GOSYNC_FAILPOINT=NAME:COUNT` in the environment of a daemon ends it when it comes to NAME for the
/// COUNT-th time. Without it, to pass costs a look at a constant.
public enum Failpoint: String, CaseIterable, Sendable {
    /// The journal names the file, and nothing was written yet.
    case journaled
    /// The index says that chunks are changed, and they are not yet.
    case markedDirty
    case written
    /// The cache file is cut, and the index does not know.
    case truncated
    /// A file's size and time are in its row.
    case saved
    /// The store has an object, and the entry does not know.
    case stored
    case copied
    case uploadNoted
    case partSent
    case partCopied
    case partsSent
    /// The store no longer has an object, and the entry is still there.
    case deleted
    /// Names have changed, and no object has followed yet.
    case renamed
    /// A file whose object makes way is whole here, and journaled.
    case broughtHome
    /// The entry knows its new object, and nothing else was done.
    case finished
    /// A part of a listing is in the tree.
    case listedPage

    private static let armed: (point: Failpoint, count: Int)? = {
        guard let text = getenv("GOSYNC_FAILPOINT") else { return nil }
        let words = String(cString: text).split(separator: ":")
        guard let name = words.first, let point = Failpoint(rawValue: String(name)) else {
            return nil
        }
        return (point, words.count > 1 ? Int(words[1]) ?? 1 : 1)
    }()

    private static let passes = Atomic<Int>(0)

    /// Ends the process, if this is where it is to end.
    public func pass() {
        guard let armed = Self.armed, armed.point == self else { return }
        if Self.passes.add(1, ordering: .relaxed).newValue == armed.count {
            kill(getpid(), SIGKILL)
        }
    }
}
