import Base
import Glibc

/// A variable of the process environment; an empty one counts as absent.
func environmentVariable(_ name: String) -> String? {
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
}

/// The text of a file of at most 1 MiB, or `nil` if it cannot be read.
func smallFile(_ path: String) -> String? {
    do throws(Errno) {
        let file = try FileDescriptor(opening: path, flags: O_RDONLY)
        let size = try file.status().sizeBytes
        guard size <= 1 << 20 else { return nil }
        let bytes = try filledBytes(count: Int(size)) { output, offset throws(Errno) in
            try file.read(into: &output, at: offset)
        }
        return String(decoding: bytes, as: UTF8.self)
    } catch {
        return nil
    }
}
