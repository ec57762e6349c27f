import Foundation
import Glibc
import Testing

/// One behaviour that POSIX or `docs/semantics.md` promises, checked with nothing but a directory.
struct Promise: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let check: @Sendable (_ directory: String) throws -> Void

    init(_ description: String, _ check: @escaping @Sendable (String) throws -> Void) {
        self.testDescription = description
        self.check = check
    }

    static var all: [Promise] { content + names + attributes + directories + extendedAttributes }
}

/// A call that must succeed, else the test stops with its errno.
@discardableResult
func must<N: FixedWidthInteger>(
    _ result: N,
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> N {
    let code = errno
    try #require(result != -1, "\(String(cString: strerror(code)))", sourceLocation: sourceLocation)
    return result
}

/// A call that must fail with a certain error.
func expect<N: FixedWidthInteger>(
    _ code: CInt,
    _ call: @autoclosure () -> N,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    errno = 0
    let result = call()
    let found = errno
    #expect(
        result == -1 && found == code,
        "\(result), \(String(cString: strerror(found)))",
        sourceLocation: sourceLocation
    )
}

/// Opens a file, runs the body, and closes it, which must succeed.
@discardableResult
func withFile<R>(
    _ path: String,
    _ flags: CInt = O_RDWR | O_CREAT,
    _ body: (CInt) throws -> R
) throws -> R {
    let file = try must(open(path, flags, 0o644))
    do {
        let result = try body(file)
        try must(close(file))
        return result
    } catch {
        close(file)
        throw error
    }
}

func writeFile(_ path: String, _ text: String) throws {
    try withFile(path, O_WRONLY | O_CREAT | O_TRUNC) { file in
        try must(write(file, text, text.utf8.count))
    }
}

func readFile(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
}

func status(_ path: String) throws -> stat {
    var found = stat()
    try must(lstat(path, &found))
    return found
}

func names(in directory: String) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: directory))
}
