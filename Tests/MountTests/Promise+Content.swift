import Foundation
import Glibc
import Testing

extension Promise {
    static let content = [
        Promise("what was written reads back, through a new open") { directory in
            try writeFile(directory + "/f", "hello")
            #expect(try readFile(directory + "/f") == "hello")
        },
        Promise("an empty file is empty and exists") { directory in
            try writeFile(directory + "/f", "")
            #expect(try status(directory + "/f").st_size == 0)
            #expect(try readFile(directory + "/f") == "")
        },
        Promise("bytes beyond the end make a hole of zeros") { directory in
            try withFile(directory + "/f") { file in
                try must(pwrite(file, "x", 1, 300_000))
            }
            let data = try Data(contentsOf: URL(filePath: directory + "/f"))
            #expect(data.count == 300_001)
            #expect(data.dropLast().allSatisfy { $0 == 0 } && data.last == UInt8(ascii: "x"))
        },
        Promise("writes in the middle leave the rest") { directory in
            try writeFile(directory + "/f", String(repeating: "a", count: 400_000))
            try withFile(directory + "/f", O_WRONLY) { file in
                try must(pwrite(file, "bbb", 3, 200_000))
            }
            let text = try readFile(directory + "/f")
            #expect(text.utf8.count == 400_000)
            #expect(text.dropFirst(199_999).prefix(5) == "abbba")
        },
        Promise("appends go to the end whoever wrote last") { directory in
            try writeFile(directory + "/f", "one")
            let first = try must(open(directory + "/f", O_WRONLY | O_APPEND))
            let second = try must(open(directory + "/f", O_WRONLY | O_APPEND))
            try must(write(first, "two", 3))
            try must(write(second, "three", 5))
            try must(write(first, "four", 4))
            try must(close(first))
            try must(close(second))
            #expect(try readFile(directory + "/f") == "onetwothreefour")
        },
        Promise("a writer's bytes are seen at once by who has the file open") { directory in
            try writeFile(directory + "/f", "old old")
            let reader = try must(open(directory + "/f", O_RDONLY))
            defer { close(reader) }
            try withFile(directory + "/f", O_WRONLY) { file in
                try must(pwrite(file, "new", 3, 0))
                var buffer = [UInt8](repeating: 0, count: 16)
                let count = try must(pread(reader, &buffer, 16, 0))
                #expect(String(decoding: buffer[..<count], as: UTF8.self) == "new old")
            }
        },
        Promise("truncate cuts, and extends with zeros") { directory in
            try writeFile(directory + "/f", "0123456789")
            try must(truncate(directory + "/f", 4))
            #expect(try readFile(directory + "/f") == "0123")
            try must(truncate(directory + "/f", 6))
            #expect(try readFile(directory + "/f") == "0123\0\0")
            try withFile(directory + "/f", O_RDWR) { file in try must(ftruncate(file, 2)) }
            #expect(try readFile(directory + "/f") == "01")
        },
        Promise("O_TRUNC empties a file, O_EXCL refuses one") { directory in
            try writeFile(directory + "/f", "something")
            try withFile(directory + "/f", O_WRONLY | O_TRUNC) { _ in }
            #expect(try status(directory + "/f").st_size == 0)
            expect(EEXIST, open(directory + "/f", O_WRONLY | O_CREAT | O_EXCL, 0o644))
        },
        Promise("a mapped file shows and takes changes") { directory in
            try writeFile(directory + "/f", String(repeating: "m", count: 10_000))
            try withFile(directory + "/f", O_RDWR) { file in
                let memory = mmap(nil, 10_000, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                try #require(memory != MAP_FAILED)
                let bytes = memory!.assumingMemoryBound(to: UInt8.self)
                #expect(bytes[5000] == UInt8(ascii: "m"))
                bytes[5000] = UInt8(ascii: "X")
                try must(msync(memory, 10_000, MS_SYNC))
                munmap(memory, 10_000)
            }
            #expect(try readFile(directory + "/f").dropFirst(5000).first == "X")
        },
        Promise("an open file outlives its name") { directory in
            try writeFile(directory + "/f", "still here")
            try withFile(directory + "/f", O_RDWR) { file in
                try must(unlink(directory + "/f"))
                expect(ENOENT, open(directory + "/f", O_RDONLY))
                try must(pwrite(file, "S", 1, 0))
                var buffer = [UInt8](repeating: 0, count: 16)
                let count = try must(pread(file, &buffer, 16, 0))
                #expect(String(decoding: buffer[..<count], as: UTF8.self) == "Still here")
                var found = stat()
                try must(fstat(file, &found))
                #expect(found.st_size == 10)
            }
        },
        Promise("fsync and fdatasync succeed") { directory in
            try withFile(directory + "/f") { file in
                try must(write(file, "abc", 3))
                try must(fsync(file))
                try must(write(file, "def", 3))
                try must(fdatasync(file))
            }
            #expect(try readFile(directory + "/f") == "abcdef")
        },
        Promise("a large file survives random writes") { directory in
            var model = [UInt8](repeating: 0, count: 3_000_000)
            try withFile(directory + "/f") { file in
                try must(ftruncate(file, model.count))
                for step in 0..<200 {
                    let offset = (step * 7_919_113) % (model.count - 5000)
                    let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: 4999)
                    model.replaceSubrange(offset..<offset + bytes.count, with: bytes)
                    try must(pwrite(file, bytes, bytes.count, offset))
                }
            }
            let isSame = try Data(contentsOf: URL(filePath: directory + "/f")) == Data(model)
            #expect(isSame)
        },
    ]
}
