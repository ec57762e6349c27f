import Base
import CFUSE
import Glibc
import Volumes

// Where requests run. libfuse's threads answer everyone, so they never wait for a store: each request
// that may have to is tried there first, and repeated from its start on a thread of the backend's
// bulkhead if it would wait. What it costs is one call where nothing waits, and one hand-over where
// something does.
//
// That a request may be repeated is the volume's promise (`Volume`, `Patience`):
// - lookup, getattr, opendir, readdir, read change nothing but caches. A read has begun its fetch by
//   then, which the repeated one finds under way.
// - open, setattr, write may wait between their steps, each of which is harmless twice: the journal's
//   mark, a truncation to the same size, attributes set to the same values. A write that has to wait has
//   not changed a byte; its bytes are kept before libfuse uses their buffer again.
// - create, mkdir, mknod, symlink, link, unlink, rmdir, rename list what they need before their transaction.
//   Where they wait for the store after it (`close = sync`), they say so before it.
// - copy_file_range says that it will wait before its first change.
// - flush saves size and time, and then waits; saving is harmless twice. So it is with fsync, which waits
//   only with `durability = remote`.
//
// All others (statfs, release, extended attributes, …) never ask a store.

extension fuse_lowlevel_ops {
    static func volume() -> fuse_lowlevel_ops {
        var operations = handlers.plain
        operations.waitElsewhereForLookups()
        operations.waitElsewhereForNames()
        operations.waitElsewhereForFiles()
        operations.measureOthers()
        return operations
    }

    private mutating func waitElsewhereForLookups() {
        lookup = { request, parent, name in
            serve(.lookup, request, Arguments(name: name)) {
                handlers.plain.lookup($0, parent, $1.name)
            }
        }
        getattr = { request, inode, info in
            serve(.getattr, request, Arguments(info: info)) {
                handlers.plain.getattr($0, inode, $1.info)
            }
        }
        setattr = { request, inode, status, mask, info in
            let status = status!.pointee
            serve(.setattr, request, Arguments(info: info)) {
                var status = status
                handlers.plain.setattr($0, inode, &status, mask, $1.info)
            }
        }
        opendir = { request, inode, info in
            serve(.opendir, request, Arguments(info: info)) {
                handlers.plain.opendir($0, inode, $1.info)
            }
        }
        readdir = { request, inode, count, cookie, info in
            serve(.readdir, request, Arguments(info: info)) {
                handlers.plain.readdir($0, inode, count, cookie, $1.info)
            }
        }
        readdirplus = { request, inode, count, cookie, info in
            serve(.readdirplus, request, Arguments(info: info)) {
                handlers.plain.readdirplus($0, inode, count, cookie, $1.info)
            }
        }
    }

    private mutating func waitElsewhereForNames() {
        mknod = { request, parent, name, mode, device in
            serve(.mknod, request, Arguments(name: name)) {
                handlers.plain.mknod($0, parent, $1.name, mode, device)
            }
        }
        mkdir = { request, parent, name, mode in
            serve(.mkdir, request, Arguments(name: name)) {
                handlers.plain.mkdir($0, parent, $1.name, mode)
            }
        }
        symlink = { request, target, parent, name in
            serve(.symlink, request, Arguments(name: name, other: target)) {
                handlers.plain.symlink($0, $1.other, parent, $1.name)
            }
        }
        unlink = { request, parent, name in
            serve(.unlink, request, Arguments(name: name)) {
                handlers.plain.unlink($0, parent, $1.name)
            }
        }
        rmdir = { request, parent, name in
            serve(.rmdir, request, Arguments(name: name)) {
                handlers.plain.rmdir($0, parent, $1.name)
            }
        }
        link = { request, inode, parent, name in
            serve(.link, request, Arguments(name: name)) {
                handlers.plain.link($0, inode, parent, $1.name)
            }
        }
        rename = { request, parent, name, newParent, newName, flags in
            serve(.rename, request, Arguments(name: name, other: newName)) {
                handlers.plain.rename($0, parent, $1.name, newParent, $1.other, flags)
            }
        }
    }

    private mutating func waitElsewhereForFiles() {
        open = { request, inode, info in
            serve(.open, request, Arguments(info: info)) {
                handlers.plain.open($0, inode, $1.info)
            }
        }
        create = { request, parent, name, mode, info in
            serve(.create, request, Arguments(name: name, info: info)) {
                handlers.plain.create($0, parent, $1.name, mode, $1.info)
            }
        }
        read = { request, inode, count, offset, info in
            serve(.read, request, Arguments(info: info)) {
                handlers.plain.read($0, inode, count, offset, $1.info)
            }
        }
        write = { request, inode, bytes, count, offset, info in
            let bytes = UnsafeBufferPointer(start: bytes, count: count)
            serve(.write, request, Arguments(bytes: bytes, info: info)) {
                handlers.plain.write($0, inode, $1.bytes.baseAddress, count, offset, $1.info)
            }
        }
        copy_file_range = {
            request,
            inode,
            offset,
            info,
            newInode,
            newOffset,
            newInfo,
            count,
            flags in
            let (info, newInfo) = (info!.pointee, newInfo!.pointee)
            serve(.copyFileRange, request, Arguments()) { request, _ in
                var (info, newInfo) = (info, newInfo)
                handlers.plain.copy_file_range(
                    request,
                    inode,
                    offset,
                    &info,
                    newInode,
                    newOffset,
                    &newInfo,
                    count,
                    flags
                )
            }
        }
        flush = { request, inode, info in
            serve(.flush, request, Arguments(info: info)) {
                handlers.plain.flush($0, inode, $1.info)
            }
        }
        fsync = { request, inode, isOnlyData, info in
            serve(.fsync, request, Arguments(info: info)) {
                handlers.plain.fsync($0, inode, isOnlyData, $1.info)
            }
        }
    }
}

/// The handlers themselves, which run on whatever thread calls them.
let handlers = Handlers(plain: .direct())

struct Handlers: @unchecked Sendable {
    // @unchecked: C functions, set once.
    let plain: fuse_lowlevel_ops
}

/// Runs a request on this thread if it need not wait for a store, else on one that may.
private func serve(
    _ operation: Operation,
    _ handle: fuse_req_t?,
    _ arguments: Arguments,
    _ body: @escaping (fuse_req_t?, Arguments) -> Void
) {
    // Before the request is answered, and its volume may be gone with the session.
    let measured = MeasuredOperation(operation, handle)
    let bulkhead = Tracing.working(for: measured.traced) {
        Patience.withoutWaiting { body(handle, arguments) }
    }
    guard let bulkhead else { return measured.end() }
    let waiting = WaitingRequest(
        measured: measured,
        handle: handle!,
        origin: gosync_here(),
        arguments: KeptArguments(arguments),
        body: body
    )
    Tracing.working(for: measured.traced) {
        bulkhead.waiters.run(unless: { waiting.isOver }, { waiting.run() })
    }
}

/// A request that may wait, on any thread.
///
/// @unchecked: libfuse's request and the handlers belong to no thread, and nobody else has the arguments.
private struct WaitingRequest: @unchecked Sendable {
    let measured: MeasuredOperation
    let handle: fuse_req_t
    /// The ring entry that the request came by, if it did.
    let origin: OpaquePointer?
    let arguments: KeptArguments
    let body: (fuse_req_t?, Arguments) -> Void

    var isOver: Bool { isUnwanted(UnsafeMutableRawPointer(handle)) != 0 }

    func run() {
        gosync_answer_from(origin)
        defer {
            gosync_answer_from(nil)
            measured.end()
        }
        if isOver { return Request(handle).reply(.interrupted) }
        Patience.whileWanted(unless: isUnwanted, UnsafeMutableRawPointer(handle)) {
            body(handle, arguments.arguments)
        }
    }
}

/// Whether the program that asked was interrupted or killed, or the volume ends.
private let isUnwanted: @convention(c) (UnsafeMutableRawPointer?) -> CInt = { context in
    let handle = fuse_req_t(context!)
    let volume = Unmanaged<Volume>.fromOpaque(fuse_req_userdata(handle)).takeUnretainedValue()
    return volume.hasAbandonedWaits ? 1 : fuse_req_interrupted(handle)
}

/// What a handler is given by pointer: good until it returns.
private struct Arguments {
    var name: UnsafePointer<CChar>?
    var other: UnsafePointer<CChar>?
    var bytes = UnsafeBufferPointer<CChar>(start: nil, count: 0)
    var info: UnsafeMutablePointer<fuse_file_info>?
}

/// A copy of a handler's arguments, good for as long as it is held.
private final class KeptArguments {
    let arguments: Arguments

    init(_ given: Arguments) {
        var kept = Arguments()
        kept.name = given.name.map { UnsafePointer(strdup($0)) }
        kept.other = given.other.map { UnsafePointer(strdup($0)) }
        if given.bytes.count > 0 {
            let bytes = UnsafeMutableBufferPointer<CChar>.allocate(capacity: given.bytes.count)
            _ = bytes.initialize(from: given.bytes)
            kept.bytes = UnsafeBufferPointer(bytes)
        }
        if let info = given.info {
            kept.info = .allocate(capacity: 1)
            kept.info?.initialize(to: info.pointee)
        }
        arguments = kept
    }

    deinit {
        free(UnsafeMutableRawPointer(mutating: arguments.name))
        free(UnsafeMutableRawPointer(mutating: arguments.other))
        arguments.bytes.deallocate()
        arguments.info?.deallocate()
    }
}
