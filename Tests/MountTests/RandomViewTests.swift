import Base
import Foundation
import Glibc
import Queries
import TestSupport
import Testing

/// A random library and random queries: what the mount lists is what a naive reading of the query says.
@Suite(.serialized) struct RandomViewTests {
    @Test(arguments: 0..<3 as Range<UInt64>)
    func aViewListsWhatItsQuerySays(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let stores = try TemporaryDirectory()
        let sections = RandomQuery.backends.map { backend in
            "[backend \(backend)]\ntype = local\npath = \(stores.path)/\(backend)\n"
        }
        let mount = try Mount(sections: sections.joined())
        let files = try makeFiles(40, in: mount, using: &random)
        let view = mount.path + "/filters/view"
        #expect(mkdir(view, 0o755) == 0)
        for _ in 0..<60 {
            let query = RandomQuery.query(depth: 3, using: &random)
            let text = query.description
            // The clock may pass over a file or over midnight in between.
            let early = matching(query, files)
            #expect(setAttribute(view, "user.gosync.query", Array(text.utf8)) == 0, "\(text)")
            var listings = [try inodes(in: view)]
            let typed = text.replacing("%", with: "%25").replacing("/", with: "%2F")
            if typed.utf8.count <= 255 {
                listings.append(try inodes(in: mount.path + "/filters/.q/" + typed))
            }
            let late = matching(query, files)
            for listing in listings { #expect(listing == early || listing == late, "\(text)") }
        }
    }

    private func matching(_ query: Query, _ files: [ModelFile]) -> Set<UInt64> {
        let present = Present.local()
        return Set(files.filter { $0.matches(query, present) }.map { UInt64($0.id) })
    }

    /// The inode numbers in a directory, each of which must be there once.
    private func inodes(in directory: String) throws -> Set<UInt64> {
        // Two spellings of a letter are one `String`, but two names: no set of them.
        let names = try FileManager.default.contentsOfDirectory(atPath: directory)
        let numbers = try names.map { UInt64(try status(directory + "/" + $0).st_ino) }
        #expect(Set(numbers).count == numbers.count, "\(names.sorted())")
        return Set(numbers)
    }

    private func makeFiles(
        _ count: Int,
        in mount: Mount,
        using random: inout SplitMix64
    ) throws -> [ModelFile] {
        var taken: Set<[UInt8]> = []
        var files: [ModelFile] = []
        // Half a day off, or "7 days ago" would pass while this runs.
        let now = Int64(Date().timeIntervalSince1970) - 43_200
        for _ in 0..<count {
            var file = ModelFile.random(using: &random, at: now)
            file.places = file.places.filter {
                taken.insert(Array("\(file.backend)\($0.path)".utf8)).inserted
            }
            guard let first = file.places.first else { continue }
            let root = mount.path + "/backends/" + file.backend
            for place in file.places {
                try FileManager.default.createDirectory(
                    atPath: root + place.directory,
                    withIntermediateDirectories: true
                )
            }
            let path = root + first.path
            if file.isLink {
                try must(symlink("x", path))
                // The kernel lets no one set attributes of a link, and it is as long as what it says.
                file.tags = [:]
                file.attributes = [:]
                file.size = 1
            } else {
                try writeFile(path, String(repeating: "x", count: Int(file.size)))
            }
            for other in file.places.dropFirst() { try must(link(path, root + other.path)) }
            for (key, values) in file.tags {
                let lines = Array(values.joined(separator: "\n").utf8)
                try must(setAttribute(path, "user.tag.\(key)", lines))
            }
            for (name, value) in file.attributes {
                try must(setAttribute(path, name, Array(value.utf8)))
            }
            var times = [timespec(), timespec()]
            times[0].tv_sec = Int(file.modified.seconds)
            times[1] = times[0]
            try must(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW))
            file.modified = Timestamp(seconds: file.modified.seconds)
            file.id = Int64(try status(path).st_ino)
            files.append(file)
        }
        return files
    }
}
