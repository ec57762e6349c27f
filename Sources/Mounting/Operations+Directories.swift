import Base
import CFUSE
import Glibc
import Metadata
import Volumes

extension fuse_lowlevel_ops {
    mutating func addDirectories() {
        opendir = { request, inode, info in
            let request = Request(request)
            do throws(Errno) {
                try request.volume.openDirectory(UInt64(inode))
                request.reply(opened: &info!.pointee)
            } catch {
                request.reply(error)
            }
        }
        readdir = { request, inode, count, cookie, _ in
            list(request, inode, count, cookie, isPlus: false)
        }
        readdirplus = { request, inode, count, cookie, _ in
            list(request, inode, count, cookie, isPlus: true)
        }
        releasedir = { request, _, _ in Request(request).replyDone() }
        fsyncdir = { request, _, _, _ in
            let request = Request(request)
            do throws(Errno) {
                try request.volume.synchronizeNames()
                request.replyDone()
            } catch {
                request.reply(error)
            }
        }
    }
}

/// The least that an entry takes of the kernel's buffer, with attributes and without: more of them need
/// not be looked up.
private let leastPlusBytes = 160
private let leastBytes = 32

private func list(
    _ handle: fuse_req_t?,
    _ inode: fuse_ino_t,
    _ count: Int,
    _ cookie: off_t,
    isPlus: Bool
) {
    let request = Request(handle)
    let volume = request.volume
    let inode = UInt64(inode)
    do throws(Errno) {
        let page = try volume.list(
            inode,
            after: max(Int64(cookie), 2),
            limit: count / (isPlus ? leastPlusBytes : leastBytes) + 1,
            withAttributes: isPlus
        )
        let dots = cookie < 2 ? try dots(of: inode, in: volume) : []
        request.reply(listing: count) { listing in
            for (name, number, attributes) in dots where cookie < number {
                let isIn = listing.add(name, cookie: number, attributes: attributes, isPlus: isPlus)
                guard isIn else { return }
            }
            for entry in page {
                guard add(entry, to: &listing, isPlus: isPlus) else { return }
            }
        }
    } catch {
        request.reply(error)
    }
}

private func add(_ entry: DirectoryEntry, to listing: inout Listing, isPlus: Bool) -> Bool {
    if isPlus, entry.certainty == .all { return listing.add(entry) }
    var attributes = entry.attributes
    // No type makes the kernel tell programs that they have to look.
    if entry.certainty == .number { attributes.mode = 0 }
    return listing.add(entry.name, cookie: entry.cookie, attributes: attributes, isPlus: isPlus)
}

/// `.` and `..`, with the cookies that the volume leaves for them.
private func dots(
    of inode: UInt64,
    in volume: Volume
) throws(Errno) -> [(name: Name, cookie: Int64, Attributes)] {
    let own = try volume.attributes(of: inode)
    let above = try volume.attributes(of: volume.parent(of: inode))
    return [(".", 1, own), ("..", 2, above)]
}
