public import Base
import Glibc

/// What a client shows that does not come by the control socket: 256 bits by chance, in a file that only
/// its owner may read.
public struct ControlToken: Sendable {
    public let text: String

    private static let longestBytes = 4096

    /// Reads the token, or makes one where there is none.
    ///
    /// - Throws: `EACCES` if others may read the file, `EINVAL` if it holds no token.
    public init(at path: String) throws(Errno) {
        do throws(Errno) {
            let file = try FileDescriptor(opening: path, flags: O_RDONLY | O_NOFOLLOW)
            guard try file.status().mode & 0o077 == 0 else { throw .accessDenied }
            let bytes = try file.contents(limitBytes: Self.longestBytes)
            let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
            guard line.count >= 32, line.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
                throw .invalid
            }
            text = String(decoding: line, as: UTF8.self)
        } catch {
            guard error == .noEntry else { throw error }
            text = try Self.make(at: path)
        }
    }

    private static func make(at path: String) throws(Errno) -> String {
        var random = SystemRandomNumberGenerator()
        let text = (0..<4).map { _ in
            let digits = String(random.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        // Whole or not at all: a crash must not leave half a token.
        let draft = path + ".new"
        let file = try FileDescriptor(opening: draft, flags: O_WRONLY | O_CREAT | O_TRUNC)
        try unsafe file.write(Array((text + "\n").utf8).span.bytes, at: 0)
        try file.synchronizeData()
        try retrying { unsafe rename(draft, path) }
        return text
    }
}
