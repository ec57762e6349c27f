import Foundation
import Glibc
import TestSupport
import Testing

extension Promise {
    static let names = [
        Promise("a missing name is ENOENT, also below a file's name") { directory in
            expect(ENOENT, access(directory + "/missing", F_OK))
            try writeFile(directory + "/f", "x")
            expect(ENOTDIR, access(directory + "/f/below", F_OK))
        },
        Promise("names with every legal character live side by side") { directory in
            let odd = [
                "with space", "plus+", "per%cent", "%41", "%(empty)", "ha#sh", "que?stion",
                "amp&ersand",
                "quote'", "double\"", "new\nline", "tab\t", "back\\slash", "\u{e9}", "e\u{301}",
                "日本語",
                "🦊", "-dash", ".hidden", "a.b.c", "~", "*", "<>|:", "\u{1}\u{7f}", "trailing.",
                "trailing ",
            ]
            for name in odd { try writeFile(directory + "/" + name, "content of \(name)") }
            let found = try FileManager.default.contentsOfDirectory(atPath: directory)
            #expect(found.count == odd.count)
            for name in odd {
                #expect(try readFile(directory + "/" + name) == "content of \(name)")
            }
        },
        Promise("a name has 255 bytes at most") { directory in
            let longest = String(repeating: "n", count: 255)
            try writeFile(directory + "/" + longest, "x")
            #expect(try readFile(directory + "/" + longest) == "x")
            expect(ENAMETOOLONG, open(directory + "/" + longest + "n", O_CREAT | O_WRONLY, 0o644))
        },
        Promise("unlink takes a name away, and refuses directories") { directory in
            try writeFile(directory + "/f", "x")
            try must(mkdir(directory + "/d", 0o755))
            try must(unlink(directory + "/f"))
            expect(ENOENT, unlink(directory + "/f"))
            expect(EISDIR, unlink(directory + "/d"))
        },
        Promise("rename moves a file, and replaces another") { directory in
            try writeFile(directory + "/a", "A")
            try writeFile(directory + "/b", "B")
            let inode = try status(directory + "/a").st_ino
            try must(rename(directory + "/a", directory + "/b"))
            expect(ENOENT, access(directory + "/a", F_OK))
            #expect(try readFile(directory + "/b") == "B".replacingOccurrences(of: "B", with: "A"))
            #expect(try status(directory + "/b").st_ino == inode)
        },
        Promise("rename of a directory takes everything in it along") { directory in
            try must(mkdir(directory + "/d", 0o755))
            try must(mkdir(directory + "/d/deep", 0o755))
            try writeFile(directory + "/d/deep/f", "deep")
            try must(rename(directory + "/d", directory + "/e"))
            #expect(try readFile(directory + "/e/deep/f") == "deep")
            expect(ENOENT, access(directory + "/d", F_OK))
        },
        Promise("rename says what is wrong") { directory in
            try must(mkdir(directory + "/d", 0o755))
            try must(mkdir(directory + "/full", 0o755))
            try writeFile(directory + "/full/f", "x")
            try writeFile(directory + "/f", "x")
            expect(ENOENT, rename(directory + "/missing", directory + "/x"))
            expect(EISDIR, rename(directory + "/f", directory + "/d"))
            expect(ENOTDIR, rename(directory + "/d", directory + "/f"))
            expect(EINVAL, rename(directory + "/d", directory + "/d/below"))
            let code = rename(directory + "/d", directory + "/full") == 0 ? 0 : errno
            #expect(code == ENOTEMPTY || code == EEXIST)
            try must(rename(directory + "/full", directory + "/d"))
            #expect(try readFile(directory + "/d/f") == "x")
        },
        Promise("two names swapped by way of a third keep their contents") { directory in
            try writeFile(directory + "/a", "first")
            try writeFile(directory + "/b", "second")
            try must(rename(directory + "/a", directory + "/t"))
            try must(rename(directory + "/b", directory + "/a"))
            try must(rename(directory + "/t", directory + "/b"))
            #expect(try readFile(directory + "/a") == "second")
            #expect(try readFile(directory + "/b") == "first")
        },
        Promise("renameat2 exchanges two names, or refuses to replace one") { directory in
            try writeFile(directory + "/a", "A")
            try must(mkdir(directory + "/d", 0o755))
            try writeFile(directory + "/d/b", "B")
            expect(EEXIST, renameat2(directory + "/a", directory + "/d/b", 1))
            try must(renameat2(directory + "/a", directory + "/d/b", 2))
            #expect(try readFile(directory + "/a") == "B")
            #expect(try readFile(directory + "/d/b") == "A")
            try must(renameat2(directory + "/a", directory + "/d", 2))
            #expect(try readFile(directory + "/d") == "B")
            #expect(try readFile(directory + "/a/b") == "A")
            expect(ENOENT, renameat2(directory + "/a", directory + "/missing", 2))
            expect(EINVAL, renameat2(directory + "/a", directory + "/a/b", 2))
        },
        Promise("a file has as many names as it is given, and lives until the last is gone") {
            directory in
            try writeFile(directory + "/a", "first")
            try must(mkdir(directory + "/d", 0o755))
            try must(link(directory + "/a", directory + "/d/b"))
            #expect(try status(directory + "/a").st_nlink == 2)
            #expect(try status(directory + "/a").st_ino == status(directory + "/d/b").st_ino)
            try writeFile(directory + "/d/b", "second")
            #expect(try readFile(directory + "/a") == "second")
            expect(EEXIST, link(directory + "/a", directory + "/d/b"))
            expect(EPERM, link(directory + "/d", directory + "/e"))
            expect(ENOENT, link(directory + "/missing", directory + "/e"))
            try must(unlink(directory + "/a"))
            #expect(try readFile(directory + "/d/b") == "second")
            #expect(try status(directory + "/d/b").st_nlink == 1)
            try must(link(directory + "/d/b", directory + "/c"))
            try must(rename(directory + "/d/b", directory + "/c"))
            #expect(try status(directory + "/d/b").st_ino == status(directory + "/c").st_ino)
        },
        Promise("a name given up can be taken again at once") { directory in
            for round in 0..<5 {
                try writeFile(directory + "/f", "round \(round)")
                #expect(try readFile(directory + "/f") == "round \(round)")
                try must(rename(directory + "/f", directory + "/g"))
                try writeFile(directory + "/f", "other \(round)")
                #expect(try readFile(directory + "/g") == "round \(round)")
                try must(unlink(directory + "/f"))
                try must(unlink(directory + "/g"))
            }
        },
        Promise("a symbolic link keeps its target to the byte") { directory in
            try writeFile(directory + "/f", "through")
            for target in ["f", "/nowhere/at all", "\u{e9}/../x"] {
                try must(symlink(target, directory + "/l"))
                var buffer = [CChar](repeating: 0, count: 4096)
                let count = try must(readlink(directory + "/l", &buffer, buffer.count))
                #expect(count == target.utf8.count)
                #expect(try status(directory + "/l").st_mode & S_IFMT == S_IFLNK)
                #expect(try status(directory + "/l").st_size == target.utf8.count)
                if target == "f" { #expect(try readFile(directory + "/l") == "through") }
                try must(unlink(directory + "/l"))
            }
        },
    ]

    static let directories = [
        Promise("directories nest, and go when empty") { directory in
            try must(mkdir(directory + "/a", 0o755))
            try must(mkdir(directory + "/a/b", 0o700))
            expect(EEXIST, mkdir(directory + "/a", 0o755))
            expect(ENOTEMPTY, rmdir(directory + "/a"))
            try must(rmdir(directory + "/a/b"))
            try must(rmdir(directory + "/a"))
            expect(ENOENT, rmdir(directory + "/a"))
            try writeFile(directory + "/f", "x")
            expect(ENOTDIR, rmdir(directory + "/f"))
        },
        Promise("a directory that lost its last file stays") { directory in
            try must(mkdir(directory + "/d", 0o755))
            try writeFile(directory + "/d/f", "x")
            try must(unlink(directory + "/d/f"))
            #expect(try Promise.list(directory + "/d").isEmpty)
        },
        Promise("a listing shows every name once, also while names come and go") { directory in
            for number in 0..<500 { try writeFile(directory + "/n\(number)", "x") }
            let stream = try #require(opendir(directory))
            defer { closedir(stream) }
            var seen: [String: Int] = [:]
            var count = 0
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                seen[name, default: 0] += 1
                count += 1
                if count % 50 == 0 {
                    try must(unlink(directory + "/n\(499 - count / 50)"))
                    try writeFile(directory + "/new\(count)", "x")
                }
            }
            for number in 0..<480 { #expect(seen["n\(number)"] == 1) }
            #expect(seen.values.allSatisfy { $0 == 1 })
        },
        Promise("times of a directory move with its names") { directory in
            let before = try status(directory)
            usleep(20_000)
            try writeFile(directory + "/f", "x")
            let after = try status(directory)
            #expect(
                (after.st_mtim.tv_sec, after.st_mtim.tv_nsec)
                    > (before.st_mtim.tv_sec, before.st_mtim.tv_nsec)
            )
        },
    ]

    static func list(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory)
    }
}
