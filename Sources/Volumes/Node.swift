import Base
import Cache
import Metadata

/// A regular file while somebody has it open: its bytes, and what is newer than its row.
///
/// Lock order: `change` token, then the database's writer, then `state`.
final class Node: Sendable {
    let id: FileID
    let bytes: CachedFile
    let door = Monitor(Door())
    /// Where the bytes can be read as long as nothing was written here.
    let original: Original?
    /// Nobody can write to the file here, so the kernel may read its original by itself.
    let isReadOnly: Bool
    private let state: Monitor<State>

    struct State: Equatable {
        var size: Int64
        var modified: Timestamp
        /// The journal names the file: bytes may differ from the object's.
        var isDirty: Bool
        /// `size` and `modified` are newer than the row.
        var isUnsaved = false
        /// Counts the changes, so that an upload can tell whether it sent the newest.
        var writes: UInt64 = 0
        /// `writes` when the change log was last told.
        var loggedWrites: UInt64 = 0
        var lastWrite: Double = 0
        var isChanging = false
        /// Handles that may write.
        var writers = 0
        /// Whoever wrote last has closed, and the file is on its way (`Volume.endWriting`).
        var isEnded = true
        /// A flush was taken for the last close of this writer.
        var wasTakenForLastClose = false
        /// Why the last delivery failed, unless a program was told.
        var failure: Failure?
        /// The file has set-user-id or set-group-id, which go when somebody else writes to it.
        var isPrivileged: Bool
        /// What the next delivery is to make the file of.
        var borrowing: Borrowing?
        /// What the file was made of, if it was; good until it is dirty.
        var copied: Borrowing?

        /// Whether a flush may be the only writer's last; that is believed once for each open.
        mutating func takeForLastClose() -> Bool {
            guard writers == 1, isUnsaved, !wasTakenForLastClose else { return false }
            wasTakenForLastClose = true
            return true
        }

        /// Whoever wrote has closed; somebody else may have written since.
        mutating func end(ifStillAt seen: UInt64) {
            isEnded = writes == seen
            wasTakenForLastClose = false
        }
    }

    init(
        _ file: File,
        bytes: CachedFile,
        isDirty: Bool,
        original: Original? = nil,
        isReadOnly: Bool = false
    ) {
        id = file.id
        self.bytes = bytes
        self.original = original
        self.isReadOnly = isReadOnly
        state = Monitor(
            State(
                size: file.size,
                modified: file.modified,
                isDirty: isDirty,
                isPrivileged: file.isPrivileged
            )
        )
    }

    var now: State { state.withLock { $0 } }

    func update<R>(_ body: (inout State) -> R) -> R { state.update(body) }

    /// Why a delivery failed, and which programs have heard of it at a close.
    struct Failure: Equatable {
        let reason: Errno
        var toldTo: Set<UInt64> = []
    }

    /// Why the last delivery failed, to be told once.
    func takeFailure() -> Errno? {
        state.withLock { state in
            defer { state.failure = nil }
            return state.failure?.reason
        }
    }

    /// Why the last delivery failed, unless this program was told at a close.
    ///
    /// A program that starts another one gives it copies of all that it has open, and what their closing
    /// answers is lost. So each is told by itself.
    func tellFailure(to program: UInt64) -> Errno? {
        state.withLock { state in
            let isNews = state.failure?.toldTo.insert(program).inserted ?? false
            return isNews ? state.failure?.reason : nil
        }
    }

    /// Runs `body` while no other change of the file does.
    func change<R>(_ body: () throws(Errno) -> R) throws(Errno) -> R {
        try state.wait(in: bytes.bulkhead) { state -> Bool? in
            if state.isChanging { return nil }
            state.isChanging = true
            return true
        }
        defer { state.update { $0.isChanging = false } }
        return try body()
    }
}

/// An open file, as one `open` got it.
public final class Handle: Sendable {
    let node: Node
    public let canWrite: Bool
    public let reading: Reading

    public var inode: UInt64 { UInt64(bitPattern: node.id) }

    init(node: Node, canWrite: Bool, reading: Reading) {
        self.node = node
        self.canWrite = canWrite
        self.reading = reading
    }
}

/// The nodes in use, each shared by all who use its file.
///
/// Nodes are made and closed outside the lock: both go to the database, and who reads from the database
/// may ask here.
final class NodeTable: Sendable {
    private struct Use {
        var node: Node
        var holders: Int
    }

    private struct State {
        var uses: [FileID: Use] = [:]
        /// Nodes that somebody is making or closing.
        var changing: Set<FileID> = []
        /// Files whose objects somebody else has replaced, so that their names are other files' now.
        var replaced: Set<FileID> = []
    }

    private let state = Monitor(State())

    /// The node of a file, made by `make` if nobody has it yet; to be given back with `release`.
    func retain(_ id: FileID, make: () throws(Errno) -> Node) throws(Errno) -> Node {
        let known: Node?? = state.wait { state -> Node?? in
            if let use = state.uses[id] {
                state.uses[id]?.holders += 1
                return .some(use.node)
            }
            return state.changing.insert(id).inserted ? .some(nil) : nil
        }
        if let node = known ?? nil { return node }
        do throws(Errno) {
            let node = try make()
            state.update { state in
                state.uses[id] = Use(node: node, holders: 1)
                state.changing.remove(id)
            }
            return node
        } catch {
            state.update { _ = $0.changing.remove(id) }
            throw error
        }
    }

    /// Ends one use; runs `close` at the last, before anybody can make the node anew.
    func release(_ node: Node, close: () -> Void) {
        let isLast = state.withLock { state in
            state.uses[node.id]?.holders -= 1
            guard state.uses[node.id]?.holders == 0 else { return false }
            state.uses[node.id] = nil
            state.changing.insert(node.id)
            return true
        }
        guard isLast else { return }
        close()
        state.update { _ = $0.changing.remove(node.id) }
    }

    func node(_ id: FileID) -> Node? { state.withLock { $0.uses[id]?.node } }

    /// Whether anybody uses the file, or is about to.
    func isInUse(_ id: FileID) -> Bool {
        state.withLock { $0.uses[id] != nil || $0.changing.contains(id) }
    }

    /// Notes that a file loses its last name to another, as part of the transaction that takes it.
    ///
    /// Here and not in its node, which somebody may be making just now of what was there before.
    func noteReplaced(_ id: FileID) { _ = state.withLock { $0.replaced.insert(id) } }

    /// Whether a file that has no name lost it so; what was removed here is written to without one.
    func isReplaced(_ id: FileID) -> Bool { state.withLock { $0.replaced.contains(id) } }

    /// The file is gone, and no other ever gets its number.
    func forgetReplaced(_ id: FileID) { _ = state.withLock { $0.replaced.remove(id) } }

    var all: [Node] { state.withLock { $0.uses.values.map(\.node) } }
}
