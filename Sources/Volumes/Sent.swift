import Base
import Metadata
import Stores

/// What was sent to a store, in few enough words to be kept: enough to know it again.
struct Sent: Equatable, Sendable {
    var size: Int64
    /// CRC-32C of the bytes; with `nil`, only attributes were sent.
    var checksum: UInt32?
    /// Mode, owner, group and time of modification, where only these were sent.
    var attributes = ""

    init(size: Int64, checksum: UInt32) {
        self.size = size
        self.checksum = checksum
    }

    /// Sums up a body, reading it once.
    init(_ body: ObjectBody) throws(StoreError) {
        size = body.size
        var sum: UInt32 = 0
        var position: Int64 = 0
        do throws(Errno) {
            while position < body.size {
                let end = min(body.size, position + Self.blockBytes)
                let start = position
                let block = try bytes(count: Int(end - start)) { (output) throws(Errno) in
                    try body.read(&output, start)
                }
                guard !block.isEmpty else { throw .ioError }
                sum = unsafe crc32c(block.span.bytes, continuing: sum)
                position += Int64(block.count)
            }
        } catch {
            throw .aborted(error)
        }
        checksum = sum
    }

    init(attributesOf file: File) {
        size = file.size
        attributes = Self.words(file.mode, file.owner, file.group, file.modified)
    }

    init?(text: String) {
        let words = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3, let size = Int64(words[0]) else { return nil }
        self.size = size
        checksum = UInt32(words[1])
        attributes = String(words[2])
    }

    var text: String { "\(size) \(checksum.map(String.init) ?? "-") \(attributes)" }

    static func text(of all: [Sent]) -> String { all.map(\.text).joined(separator: "\n") }

    static func all(in text: String?) -> [Sent] {
        (text ?? "").split(separator: "\n").compactMap { Sent(text: String($0)) }
    }

    /// Whether an object has just the attributes that were sent, on bytes of the same number.
    func isAttributes(of object: ObjectInfo) -> Bool {
        guard checksum == nil, size == object.size, let found = object.attributes,
            let mode = found.mode, let owner = found.owner, let group = found.group,
            let modified = found.modified
        else { return false }
        return attributes == Self.words(mode, owner, group, modified)
    }

    private static func words(
        _ mode: UInt32,
        _ owner: UInt32,
        _ group: UInt32,
        _ modified: Timestamp
    ) -> String {
        "\(mode) \(owner) \(group) \(modified.nanoseconds)"
    }

    private static let blockBytes: Int64 = 1 << 20
}
