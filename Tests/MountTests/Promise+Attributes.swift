import Foundation
import Glibc
import TestSupport
import Testing

extension Promise {
    static let attributes = [
        Promise("modes are kept") { directory in
            try writeFile(directory + "/f", "x")
            for mode in [0o600, 0o755, 0o444, 0o4755] as [mode_t] {
                try must(chmod(directory + "/f", mode))
                #expect(try status(directory + "/f").st_mode & 0o7777 == mode)
            }
        },
        Promise("times are kept to the nanosecond, also before 1970") { directory in
            try writeFile(directory + "/f", "x")
            for seconds in [0, 1_700_000_000, -86_400] {
                let times = [
                    timespec(tv_sec: 1_600_000_000, tv_nsec: 5),
                    timespec(tv_sec: seconds, tv_nsec: 123_456_789),
                ]
                try must(utimensat(AT_FDCWD, directory + "/f", times, 0))
                let found = try status(directory + "/f")
                #expect(found.st_mtim.tv_sec == seconds)
                #expect(found.st_mtim.tv_nsec == 123_456_789)
                #expect(found.st_atim.tv_sec == 1_600_000_000)
            }
        },
        Promise("writing moves the time of modification, reading does not") { directory in
            try writeFile(directory + "/f", "x")
            let old = [timespec(tv_sec: 1000, tv_nsec: 0), timespec(tv_sec: 1000, tv_nsec: 0)]
            try must(utimensat(AT_FDCWD, directory + "/f", old, 0))
            #expect(try readFile(directory + "/f") == "x")
            #expect(try status(directory + "/f").st_mtim.tv_sec == 1000)
            try withFile(directory + "/f", O_WRONLY) { file in try must(write(file, "y", 1)) }
            #expect(try status(directory + "/f").st_mtim.tv_sec > 1_000_000_000)
        },
        Promise("a time that was set stays after the file is closed") { directory in
            try withFile(directory + "/f") { file in
                try must(write(file, "x", 1))
                let times = [timespec(tv_sec: 7, tv_nsec: 8), timespec(tv_sec: 7, tv_nsec: 8)]
                try must(futimens(file, times))
            }
            #expect(try status(directory + "/f").st_mtim.tv_sec == 7)
        },
        Promise("owners are kept") { directory in
            guard getuid() == 0 else { return }
            try writeFile(directory + "/f", "x")
            try must(chown(directory + "/f", 1234, 5678))
            let found = try status(directory + "/f")
            #expect(found.st_uid == 1234 && found.st_gid == 5678)
        },
        Promise("set-user-id goes with another owner, and when others write") { directory in
            guard getuid() == 0 else { return }
            let path = directory + "/f"
            let asNobody = "/usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups"
            for mode in [0o6777, 0o2666, 0o4755] as [mode_t] {
                // Without the right to execute, set-group-id is for locks.
                let given = mode & 0o010 != 0 ? mode & 0o777 : mode
                let calls = [
                    ("\(asNobody) printf x >> f", mode & 0o777), ("printf x >> f", mode),
                    ("chown 1234 f", given), ("chown 0 f", given), ("printf x > f", mode),
                ]
                for (call, expected) in calls {
                    try writeFile(path, "x")
                    try must(chmod(path, mode))
                    try shell(call, in: directory)
                    let found = try status(path).st_mode & 0o7777
                    #expect(found == expected, "\(call) of \(String(mode, radix: 8))")
                }
            }
        },
        Promise("a directory counts its subdirectories as links") { directory in
            let before = try status(directory).st_nlink
            try must(mkdir(directory + "/d", 0o755))
            #expect(try status(directory).st_nlink == before + 1)
            try must(rmdir(directory + "/d"))
            #expect(try status(directory).st_nlink == before)
        },
        Promise("statvfs answers with room") { directory in
            var found = statvfs()
            try must(statvfs(directory, &found))
            #expect(found.f_bavail > 0 && found.f_namemax == 255)
        },
    ]

    static let extendedAttributes = [
        Promise("extended attributes are kept to the byte") { directory in
            try writeFile(directory + "/f", "x")
            let values: [[UInt8]] = [[], [0, 255, 10, 13], Array("text".utf8)]
            for value in values {
                try must(setAttribute(directory + "/f", "user.some.thing", value, 0))
                #expect(try attribute(directory + "/f", "user.some.thing") == value)
            }
            #expect(try attributeNames(directory + "/f") == ["user.some.thing"])
        },
        Promise("XATTR_CREATE and XATTR_REPLACE are heeded") { directory in
            try writeFile(directory + "/f", "x")
            expect(ENODATA, setAttribute(directory + "/f", "user.a", [1], 2))
            try must(setAttribute(directory + "/f", "user.a", [1], 1))
            expect(EEXIST, setAttribute(directory + "/f", "user.a", [2], 1))
            try must(setAttribute(directory + "/f", "user.a", [3], 2))
            #expect(try attribute(directory + "/f", "user.a") == [3])
        },
        Promise("a missing attribute is ENODATA") { directory in
            try writeFile(directory + "/f", "x")
            expect(ENODATA, removeAttribute(directory + "/f", "user.a"))
            #expect(throws: (any Error).self) { try attribute(directory + "/f", "user.a") }
        },
    ]
}
