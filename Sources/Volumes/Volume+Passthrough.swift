public import Base
import Cache
import Glibc
import Synchronization

/// Lends open files to the kernel, which then reads them without asking the volume.
public struct Lender: Sendable {
    /// Takes an open file, and returns the number of its loan.
    let lend: @Sendable (CInt) throws(Errno) -> Int32
    let takeBack: @Sendable (Int32) -> Void

    public init(
        lend: @escaping @Sendable (CInt) throws(Errno) -> Int32,
        takeBack: @escaping @Sendable (Int32) -> Void
    ) {
        self.lend = lend
        self.takeBack = takeBack
    }
}

/// Whether files are lent, and by whom.
final class Passthrough: Sendable {
    private struct State {
        var lender: Lender?
        var hasFailed = false
    }

    private let state = Monitor(State())
    /// Files that are mapped and not open; looked at by `watcher`.
    let mapped = Monitor<[Node]>([])
    let watcher = Workers("mapped", limit: 1)
    private let ending = Atomic(false)

    var isEnding: Bool { ending.load(ordering: .acquiring) }

    /// Ends the watching; what is mapped still is looked at when the volume is opened the next time.
    func end() {
        ending.store(true, ordering: .releasing)
        mapped.update { _ in }
        watcher.stop()
    }

    var lender: Lender? { state.withLock { $0.lender } }

    func begin(_ lender: Lender) { state.update { $0.lender = lender } }

    /// The kernel did not take a file: where it may not or cannot, it is not asked again.
    func noteFailure(_ error: Errno) {
        let isNews = state.withLock { state in
            if error == .notPermitted || error == Errno(ENOTTY) { state.lender = nil }
            defer { state.hasFailed = true }
            return !state.hasFailed
        }
        if isNews { Log.info("the kernel does not read cached files by itself: \(error)") }
    }
}

extension Volume {
    /// Lets the kernel read what is wholly in the cache by itself; called before its first request.
    public func passThrough(by lender: Lender) { passthrough.begin(lender) }

    public var isPassingThrough: Bool { passthrough.lender != nil }

    /// Says how one more handle of a file is to be read; to be followed by `dismiss`.
    func admit(to node: Node, forWriting: Bool) -> Reading {
        takeDoor(of: node)
        defer { leaveDoor(of: node) }
        let (isFirst, isMapped) = node.door.withLock { ($0.isShut, $0.mayBeMapped) }
        let loan = isFirst && (!forWriting || isMapped) ? lend(node, evenChanged: isMapped) : nil
        return node.door.update { $0.enter(lending: loan, canWrite: forWriting) }
    }

    func dismiss(from node: Node) {
        takeDoor(of: node)
        defer { leaveDoor(of: node) }
        guard let loan = node.door.update({ $0.leave() }) else { return }
        passthrough.lender?.takeBack(loan)
        node.bytes.unpin()
        endMapping(of: node)
    }

    /// Keeps others from opening and closing a file until `leaveDoor`.
    func takeDoor(of node: Node) {
        node.door.wait { door -> Bool? in
            if door.isBusy { return nil }
            door.isBusy = true
            return true
        }
    }

    func leaveDoor(of node: Node) { node.door.update { $0.isBusy = false } }

    /// Lends the cache file, if it holds the object's bytes and no others.
    ///
    /// - Parameter evenChanged: a program has mapped it, which sees nothing of another file's or of the
    ///   kernel's own pages. What was lent before is whole.
    private func lend(_ node: Node, evenChanged: Bool) -> Int32? {
        guard let lender = passthrough.lender else { return nil }
        let now = node.now
        guard evenChanged || !now.isDirty else { return nil }
        node.bytes.pin()
        if node.isReadOnly, let original = node.unchangedOriginal {
            do throws(Errno) {
                return try lender.lend(original)
            } catch {
                passthrough.noteFailure(error)
            }
        }
        do throws(Errno) {
            let isFit = evenChanged ? true : try node.bytes.isSound(size: now.size)
            if isFit {
                do throws(Errno) {
                    return try lender.lend(node.bytes.fileDescriptor)
                } catch {
                    passthrough.noteFailure(error)
                }
            }
        } catch {
            Log.debug("file \(node.id) cannot be compared with its checksums: \(error)")
        }
        node.bytes.unpin()
        return nil
    }
}
