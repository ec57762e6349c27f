import Foundation
import Glibc
import TestSupport
import Testing

/// Others empty a bucket, or break it: what was written here is delivered all the same, and tags return
/// with the keys.
@Suite(.serialized)
struct DamageTests {
    private static let settings = "directory_ttl = 1s\nclose = async"

    /// Files with tags in directories, one of them with tags as well; restored from a copy.
    private struct Library {
        let bucket: Bucket
        let mount: Mount
        let copy: String

        init(on server: S3Server) throws {
            bucket = try Bucket(on: server)
            mount = try bucket.mount(settings: DamageTests.settings)
            copy = mount.scratch.path + "/copy"
            try shell(
                """
                mkdir -p a/b c; for i in $(seq 20); do echo $i | tee a/f$i a/b/g$i c/h$i > top$i; done
                for f in a/f* a/b/g* c/h* top*; do setfattr -n user.tag.name -v $(basename $f) $f; done
                setfattr -n user.tag.colour -v red a/b; setfattr -n user.note -v keep a
                """,
                in: mount.folder
            )
            #expect(try mount.gosync("flush").status == 0)
            try bucket.rclone("copy", "other:", copy)
        }

        func expectAllTags() throws {
            let tagged = try mount.gosync("tag", "search", "tag:name exists", "--json").output
            #expect(tagged.components(separatedBy: "\"path\"").count - 1 == 80)
            for (path, name) in [
                ("a/f7", "f7"), ("a/b/g20", "g20"), ("c/h1", "h1"), ("top5", "top5"),
            ] {
                #expect(try tag(path, "user.tag.name") == name)
            }
            #expect(try tag("a/b", "user.tag.colour") == "red")
            #expect(try tag("a", "user.note") == "keep")
        }

        func tag(_ path: String, _ name: String) throws -> String {
            try shell("getfattr --only-values -n \(name) '\(mount.folder)/\(path)'")
        }

        func isListed(_ count: Int) -> Bool {
            let found = try? FileManager.default.subpathsOfDirectory(atPath: mount.folder)
            return found?.count == count
        }
    }

    @Test func anEmptiedBucketTakesNoTagsAndNothingThatIsOnlyHere() throws {
        let library = try Library(on: S3Server(.radosgw))
        let (mount, bucket) = (library.mount, library.bucket)
        // Changed and not delivered, because it is still open.
        let file = try must(open(mount.folder + "/top3", O_WRONLY | O_APPEND | O_CLOEXEC))
        try must(write(file, "mine", 4))
        let new = try must(open(mount.folder + "/a/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
        try must(write(new, "new", 3))
        try bucket.rclone("delete", "other:")
        // Objects that stand for directories are not among what rclone deletes.
        #expect(eventually(atMost: 30) { library.isListed(2 + 3) })
        mount.crash()
        close(file)
        close(new)
        try mount.start()
        #expect(try mount.gosync("flush").status == 0)
        #expect(try bucket.read("a/new") == "new")
        #expect(try bucket.read("top3") == "3\nmine")
        #expect(try library.tag("top3", "user.tag.name") == "top3")
        // Some come back in their old version, and one as another.
        try writeFile(library.copy + "/top9", "other bytes")
        try bucket.rclone("copy", library.copy, "other:", "--exclude", "top3")
        #expect(eventually(atMost: 30) { library.isListed(80 + 3 + 1) })
        try library.expectAllTags()
        #expect(try readFile(mount.folder + "/top9") == "other bytes")
        #expect(try readFile(mount.folder + "/top3") == "3\nmine")
    }

    /// A bucket that is gone cannot be listed: that removes nothing.
    @Test func aBucketThatCannotBeListedTakesNothing() throws {
        let library = try Library(on: S3Server(.radosgw))
        let (mount, bucket) = (library.mount, library.bucket)
        try bucket.rclone("purge", "other:")
        try writeFile(mount.folder + "/late", "late")
        sleep(2)
        #expect(library.isListed(80 + 3 + 1))
        try library.expectAllTags()
        try bucket.rclone("mkdir", "other:")
        // Another bucket of the name, with nothing of ours but what is sent now.
        #expect(eventually(atMost: 60) { (try? mount.gosync("flush").status) == 0 })
        #expect(try bucket.read("late") == "late")
        #expect(eventually(atMost: 30) { library.isListed(1) })
        try mount.remount()
        try bucket.rclone("copy", library.copy, "other:")
        #expect(eventually(atMost: 30) { library.isListed(80 + 3 + 1) })
        try library.expectAllTags()
    }
}
