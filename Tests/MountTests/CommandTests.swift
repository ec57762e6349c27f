import Foundation
import Glibc
import TestSupport
import Testing
import Wire

/// `gosync` against a running daemon: what it changes shows in the mount at once, and vice versa.
struct CommandTests {
    @Test func statusTellsOfMountBackendsAndCache() throws {
        let mount = try Mount(sections: "[cache]\nsize = 1GiB\n")
        try writeFile(mount.folder + "/a.txt", "12345")
        let text = try mount.lines("status")
        #expect(text.contains { $0.hasPrefix("Mounted on") && $0.hasSuffix(mount.path) })
        #expect(text.contains("local\tlocal\tready\t\(mount.dataDirectory)/local\tmount.conf"))
        let status: Status = try mount.message("status", "--json")
        #expect(status.daemon.mountPoints == [mount.path])
        #expect(status.daemon.pid == mount.daemon.processIdentifier)
        #expect(status.daemon.configuration == mount.configuration)
        #expect(status.volume.cache.sizeBytes == 1 << 30)
        #expect(status.volume.files == 1)
        #expect(status.volume.pendingUploads == 0)
        #expect(try mount.lines("version").count == 1)
        let version: Version = try mount.message("version", "--json")
        #expect(version.version == status.daemon.version)
    }

    @Test func aListingShowsWhatTheMountShows() throws {
        let mount = try Mount()
        let folder = mount.folder
        try shell("mkdir d; printf 12345 > a.txt; ln -s a.txt l; chmod 640 a.txt", in: folder)
        for spelling in ["local", "/backends/local", folder, "\(folder)/d/.."] {
            #expect(try mount.lines("ls", spelling) == ["a.txt", "d", "l"], "\(spelling)")
        }
        #expect(try mount.lines("ls", "/") == ["backends", "filters"])
        #expect(try mount.lines("ls", "local/a.txt") == ["a.txt"])
        #expect(try mount.gosync(in: folder, "ls", "./d/../a.txt").output == "a.txt\n")
        #expect(try mount.gosync(in: folder, "ls").output == "a.txt\nd\nl\n")
        let long = try mount.lines("ls", "-l", "-h", "local").map { $0.split(separator: "\t") }
        #expect(long.map(\.[0]) == ["-rw-r-----", "drwxr-xr-x", "lrwxrwxrwx"])
        #expect(long.map(\.[3]) == ["a.txt", "d", "l -> a.txt"])
        let listing: Listing = try mount.message("ls", "--json", "local")
        let entries = listing.entries
        #expect(entries.map(\.kind) == [.file, .directory, .symlink])
        for entry in entries {
            #expect(entry.inode == UInt64(try status("\(folder)/\(entry.name)").st_ino))
        }
    }

    @Test func aLongListingIsReadToItsEnd() throws {
        let mount = try Mount()
        let count = 2500
        let own = mount.dataDirectory + "/local"
        try shell("seq -w \(count) | sed 's/$/.txt/' | xargs touch", in: own)
        try mount.done("filter", "create", "texts", "ext=txt")
        #expect(try mount.lines("ls", "local").count == count)
        #expect(try mount.lines("ls", "/filters/texts").count == count)
        #expect(try mount.lines("tag", "search", "ext=txt").count == count)
        #expect(try mount.lines("tag", "search", "ext=txt", "--limit", "7").count == 7)
        let found = try mount.lines("filter", "test", "ext=txt").first
        #expect(found?.hasPrefix("\(count) files match, found in ") == true)
    }

    @Test func tagsOfTheCommandAreAttributesOfTheFile() throws {
        let mount = try Mount()
        let file = mount.folder + "/cat.jpg"
        try writeFile(file, "cat")
        try mount.done("filter", "create", "red", "tag:colour=red")
        #expect(try names(in: mount.path + "/filters/red") == [])
        let inode = try status(file).st_ino

        try mount.done("tag", "set", file, "colour=red", "urgent")
        #expect(try text(file, "user.tag.colour") == "red")
        #expect(try text(file, "user.tag.urgent") == "")
        #expect(try names(in: mount.path + "/filters/red") == ["cat.jpg"])
        #expect(try status(mount.path + "/filters/red/cat.jpg").st_ino == inode)

        try mount.done("tag", "add", "/filters/red/cat.jpg", "colour=orange")
        #expect(try text(file, "user.tag.colour") == "orange\nred")
        try mount.done("tag", "remove", "local/cat.jpg", "colour=red")
        #expect(try text(file, "user.tag.colour") == "orange")
        #expect(try names(in: mount.path + "/filters/red") == [])
        try mount.done("tag", "remove", "/backends/local/cat.jpg", "colour", "urgent")
        #expect(try attributeNames(file) == [])
    }

    @Test func attributesOfTheFileAreTagsOfTheCommand() throws {
        let mount = try Mount()
        let file = mount.folder + "/cat.jpg"
        try writeFile(file, "cat")
        try must(setAttribute(file, "user.tag.people", Array("ann\nbob".utf8)))
        try must(setAttribute(file, "user.tag.seen", []))
        #expect(try mount.lines("tag", "list", file) == ["people=ann", "people=bob", "seen"])
        let tags: FileTags = try mount.message("tag", "list", "--json", file)
        #expect(tags.path == "/backends/local/cat.jpg")
        #expect(tags.tags.map(\.values) == [["ann", "bob"], [""]])
        #expect(try mount.lines("tag", "search", "tag:people=bob") == ["/backends/local/cat.jpg"])
        let found: Matches = try mount.message("tag", "search", "--json", "tag:people=none")
        #expect(found.files.isEmpty)
        try must(removeAttribute(file, "user.tag.people"))
        #expect(try mount.lines("tag", "list", file) == ["seen"])
        let warning = try mount.gosync("tag", "search", "tag:peeple=bob")
        #expect(warning.complaint.contains("no file has the tag \"peeple\""))
    }

    @Test func filtersAreMadeShownChangedMovedAndRemoved() throws {
        let mount = try Mount()
        try writeFile(mount.folder + "/a.txt", "a")
        try writeFile(mount.folder + "/b.jpg", "b")
        try mount.done("filter", "create", "by/kind", "ext=txt", "--names", "always")
        let shown = try names(in: mount.path + "/filters/by/kind")
        #expect(shown.count == 1 && shown.first?.hasPrefix("a [") == true)
        #expect(try mount.lines("filter", "list") == ["by/kind\text=txt\tready"])
        let filter: Filter = try mount.message("filter", "show", "--json", "by/kind")
        #expect(filter.names == .always && filter.source == .stored)

        try mount.done("filter", "update", "by/kind", "--query", "ext=jpg", "--names", "collide")
        #expect(try names(in: mount.path + "/filters/by/kind") == ["b.jpg"])
        try mount.done("filter", "update", mount.path + "/filters/by/kind", "--path", "pictures")
        #expect(try names(in: mount.path + "/filters") == ["by", "pictures"])
        let query = try text(mount.path + "/filters/pictures", "user.gosync.query")
        #expect(query == "ext=jpg")

        try shell("mkdir f; setfattr -n user.gosync.query -v size=1 f", in: mount.path + "/filters")
        let filters: Filters = try mount.message("filter", "list", "--json")
        #expect(filters.filters.map(\.path) == ["f", "pictures"])
        let listing: Listing = try mount.message("ls", "--json", "/filters")
        #expect(listing.entries.map(\.kind) == [.directory, .filter, .filter])
        try mount.done("filter", "delete", "pictures")
        #expect(try names(in: mount.path + "/filters") == ["by", "f"])
        let test: FilterTest = try mount.message("filter", "test", "--json", "*", "--limit", "1")
        #expect(test.count == 2 && test.files.count == 1)
    }

    /// Each with its exit code and words of its complaint.
    @Test(arguments: [
        (["tag", "list", "local/none"], 1, "/backends/local/none: there is no such file"),
        (["ls", "/backends/nowhere"], 1, "/backends/nowhere: there is no such file"),
        (["ls", "elsewhere"], 1, "not in a mount"),
        (["tag", "set", "/filters", "a=b"], 1, "/filters: this directory is GoSync's own"),
        (["filter", "create", "f", "colour=red"], 1, "unknown field"),
        (["filter", "create", "a//b", "*"], 0, ""),
        (["filter", "create", "taken", "*"], 1, "there is something of that name already"),
        (["filter", "show", "none"], 1, "there is no such filter"),
        (["filter", "delete", "fixed"], 1, "stands in the configuration"),
        (["filter", "update", "fixed", "--query", "*"], 1, "stands in the configuration"),
        (["filter", "test", "tag:a=b tag:c=d OR *"], 1, "\n"),
        (["tag", "lst"], 2, "list"),
        (["tag", "set", "local/x"], 2, ""),
        (["--socket", "/nowhere/gosync.sock", "status"], 3, "not running"),
    ])
    func exitCodesTellScriptsWhatHappened(words: [String], code: Int32, part: String) throws {
        let mount = try Mount(sections: "[filter fixed]\nquery = *\n[filter taken]\nquery = *\n")
        let outcome = try mount.gosync(words: words)
        #expect(outcome.status == code, "\(outcome.complaint)")
        #expect(part.isEmpty || outcome.complaint.contains(part), "\(outcome.complaint)")
    }

    @Test func closeMayLeaveTheUploadForLater() throws {
        let mount = try Mount(settings: "close = async")
        try writeFile(mount.folder + "/a.txt", "later")
        let object = mount.dataDirectory + "/local/a.txt"
        #expect(eventually { (try? readFile(object)) == "later" })
        try writeFile(mount.folder + "/b.txt", "at the end")
        try mount.unmount()
        #expect(try readFile(mount.dataDirectory + "/local/b.txt") == "at the end")
    }

    @Test func whatWasSetSurvivesARemount() throws {
        let mount = try Mount(sections: "[filter fixed]\nquery = ext=txt\n")
        let file = mount.folder + "/a.txt"
        try writeFile(file, "a")
        try mount.done("tag", "set", file, "colour=red")
        try mount.done("filter", "create", "mine", "tag:colour=red", "--names", "always")
        let inode = try status(file).st_ino
        let mine = try names(in: mount.path + "/filters/mine")
        let modified = try status(mount.path + "/filters/mine").st_mtim

        try mount.remount()
        #expect(try status(file).st_ino == inode)
        #expect(try mount.lines("tag", "list", file) == ["colour=red"])
        #expect(try names(in: mount.path + "/filters/mine") == mine)
        let later = try status(mount.path + "/filters/mine").st_mtim
        #expect(later.tv_sec == modified.tv_sec && later.tv_nsec == modified.tv_nsec)
        #expect(try names(in: mount.path + "/filters/fixed") == ["a.txt"])
        let filters: Filters = try mount.message("filter", "list", "--json")
        #expect(filters.filters.map(\.source) == [.configuration, .stored])
    }

    private func text(_ path: String, _ name: String) throws -> String {
        String(decoding: try attribute(path, name), as: UTF8.self)
    }
}

extension Mount {
    /// Runs a command that must succeed without a word of complaint.
    func done(_ arguments: String..., location: SourceLocation = #_sourceLocation) throws {
        let outcome = try gosync(words: arguments)
        #expect(outcome.status == 0, "\(outcome.complaint)", sourceLocation: location)
    }

    func lines(_ arguments: String...) throws -> [String] {
        let outcome = try gosync(words: arguments)
        guard outcome.status == 0 else { throw MountFailure(description: outcome.complaint) }
        return outcome.output.split(separator: "\n").map(String.init)
    }

    func message<M: Message>(_ arguments: String...) throws -> M {
        let outcome = try gosync(words: arguments)
        guard outcome.status == 0 else { throw MountFailure(description: outcome.complaint) }
        return try M(json: Array(outcome.output.utf8))
    }

    func gosync(in directory: String, _ arguments: String...) throws -> Outcome {
        try gosync(words: arguments, in: directory)
    }
}
