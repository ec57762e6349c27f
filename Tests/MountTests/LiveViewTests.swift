import Foundation
import Glibc
import TestSupport
import Testing

/// Whatever changes, and however: the next listing of a view is right, and its mtime moves with that alone.
@Suite(.serialized) struct LiveViewTests {
    private let mount: Mount
    private let red: String

    init() throws {
        mount = try Mount(settings: "directory_ttl = 1s")
        red = mount.path + "/filters/red"
        for name in ["a", "b", "c"] { try writeFile(mount.folder + "/" + name, name) }
        try makeView(red, "tag:colour=red")
    }

    private func makeView(_ view: String, _ query: String) throws {
        try must(mkdir(view, 0o755))
        try must(setAttribute(view, "user.gosync.query", Array(query.utf8)))
    }

    private func look(_ view: String) throws -> (names: Set<String>, modified: Int) {
        // What `stat` tells is good for a hundredth of a second.
        usleep(30_000)
        return (try names(in: view), try status(view).st_mtim.tv_nsec)
    }

    private func paint(_ path: String, _ colour: String = "red") throws {
        try must(setAttribute(path, "user.tag.colour", Array(colour.utf8)))
    }

    @Test func aListingIsRightAfterEachChange() throws {
        let (mount, folder) = (mount, mount.folder)
        try makeView(mount.path + "/filters/c", "name:c*")
        let steps: [(what: String, does: () throws -> Void, shows: Set<String>)] = [
            ("an attribute", { try paint(folder + "/a") }, ["a"]),
            ("another value", { try paint(folder + "/a", "red\nblue") }, ["a"]),
            (
                "the command line", { _ = try mount.lines("tag", "add", "local/b", "colour=red") },
                ["a", "b"]
            ),
            ("another view", { try paint(mount.path + "/filters/c/c") }, ["a", "b", "c"]),
            (
                "another tag", { try must(setAttribute(folder + "/a", "user.tag.note", [])) },
                ["a", "b", "c"]
            ),
            ("a rename", { try must(rename(folder + "/a", folder + "/a2")) }, ["a2", "b", "c"]),
            ("another time", { try shell("touch -d 2001-01-01 '\(folder)/b'") }, ["a2", "b", "c"]),
            (
                "bytes through a view", { try writeFile(mount.path + "/filters/red/b", "more") },
                ["a2", "b", "c"]
            ),
            (
                "a name that collides",
                {
                    try shell("mkdir '\(folder)/d' && cp -a '\(folder)/b' '\(folder)/d/'")
                }, []
            ),
            ("its end", { try must(unlink(folder + "/d/b")) }, ["a2", "b", "c"]),
            ("a removal", { try must(unlink(folder + "/b")) }, ["a2", "c"]),
            ("no tag", { try must(removeAttribute(folder + "/c", "user.tag.colour")) }, ["a2"]),
        ]
        var last = try look(red)
        #expect(last.names == [])
        for step in steps {
            try step.does()
            let now = try look(red)
            if step.shows.isEmpty {
                let marked = now.names.filter { $0.hasPrefix("b [") }
                #expect(marked.count == 2 && now.names.count == 4, "\(now.names)")
            } else {
                #expect(now.names == step.shows, "after \(step.what)")
            }
            #expect((now.modified != last.modified) == (now.names != last.names), "\(step.what)")
            last = now
        }
    }

    /// A directory that stays open is read anew from its start.
    @Test func whoHasItOpenSeesIt() throws {
        let directory = try #require(opendir(red))
        defer { closedir(directory) }
        func count() -> Int {
            rewinddir(directory)
            var count = 0
            while readdir(directory) != nil { count += 1 }
            return count
        }
        #expect(count() == 2)
        try paint(mount.folder + "/a")
        #expect(count() == 3)
        try paint(mount.folder + "/b")
        try paint(mount.folder + "/a", "blue")
        #expect(count() == 3)
    }

    @Test func whatOthersBringAndTimePasses() throws {
        let (new, young) = (mount.path + "/filters/new", mount.path + "/filters/young")
        try makeView(new, "name:n*")
        try makeView(young, "mtime>now-3s AND name:y*")
        let before = try look(new)
        try writeFile(mount.dataDirectory + "/local/n1", "by others")
        // Seen once its directory is.
        #expect(
            try eventually(atMost: 30) {
                _ = try names(in: mount.folder)
                return try names(in: new) == ["n1"]
            }
        )
        #expect(try look(new).modified != before.modified)
        #expect(try readFile(new + "/n1") == "by others")

        try writeFile(mount.folder + "/y", "y")
        let shown = try look(young)
        #expect(try eventually(atMost: 30) { try names(in: young) == [] })
        let passed = try look(young)
        #expect(passed.modified != shown.modified || shown.names == [])
        #expect(try look(young) == passed)
    }
}
