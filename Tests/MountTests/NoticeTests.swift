import Foundation
import Glibc
import TestSupport
import Testing

/// What the kernel remembers is forgotten when it is no longer so, however long it was good for.
struct NoticeTests {
    @Test func timesMoveWhenTheCommandTags() throws {
        let mount = try Mount()
        let path = mount.folder + "/f"
        try writeFile(path, "text")
        let before = try status(path)
        let outcome = try mount.gosync("tag", "add", path, "colour=red")
        #expect(outcome.status == 0, "\(outcome.complaint)")
        #expect(
            try eventually {
                let now = try status(path)
                return (now.st_ctim.tv_sec, now.st_ctim.tv_nsec)
                    != (before.st_ctim.tv_sec, before.st_ctim.tv_nsec)
            }
        )
        #expect(try status(path).st_mtim.tv_nsec == before.st_mtim.tv_nsec)
    }

    @Test func whatOthersDidShowsAfterAnybodyHasLooked() throws {
        let bucket = try Bucket(.radosgw)
        try bucket.put("old", at: "d/replaced")
        try bucket.put("old", at: "d/removed")
        let mount = try bucket.mount(settings: "directory_ttl = 2s")
        let folder = mount.folder + "/d"
        let before = try status(folder + "/replaced").st_ino
        _ = try status(folder + "/removed")
        expect(ENOENT, access(folder + "/added", F_OK))
        try bucket.put("newer", at: "d/replaced")
        try bucket.put("new", at: "d/added")
        try bucket.rclone("deletefile", "other:/d/removed")
        // Until the listing is old. It is asked for elsewhere, so the kernel sees nothing of it.
        #expect(
            try eventually {
                let listed = try mount.gosync("ls", folder)
                return listed.output.contains("added")
            }
        )
        #expect(eventually(atMost: 1) { access(folder + "/added", F_OK) == 0 })
        expect(ENOENT, access(folder + "/removed", F_OK))
        #expect(try status(folder + "/replaced").st_ino != before)
        #expect(try status(folder + "/replaced").st_size == 5)
    }
}
