import Base
import Synchronization

/// CRC-32C of a file's chunks, taken from its bytes while these are on their way to somewhere.
///
/// Pieces may come in any order, and on any thread. A chunk counts once it has passed from its beginning to
/// its end; what passes a second time counts instead of the first.
public final class PassingSums: Sendable {
    private struct Sum {
        var checksum: UInt32
        var end: Int64
    }

    private let sums = Mutex<[Int: Sum]>([:])

    /// What lies behind 128 GiB is summed up by who needs it.
    private static let mostChunks = 1 << 20

    public init() {}

    public func add(_ bytes: RawSpan, at offset: Int64) {
        var position = 0
        while position < bytes.byteCount {
            let start = offset + Int64(position)
            let chunk = Int(start / ChunkSize.chunk)
            guard chunk < Self.mostChunks else { return }
            let end = min(
                offset + Int64(bytes.byteCount),
                Int64(chunk + 1) * ChunkSize.chunk
            )
            let count = Int(end - start)
            add(bytes.extracting(position..<position + count), to: chunk, start..<end)
            position += count
        }
    }

    private func add(_ bytes: RawSpan, to chunk: Int, _ range: Range<Int64>) {
        let isFirst = range.lowerBound == Int64(chunk) * ChunkSize.chunk
        let before = isFirst ? nil : sums.withLock { $0[chunk] }
        // Without what comes before it, a piece tells nothing.
        guard isFirst || before?.end == range.lowerBound else {
            return sums.withLock { $0[chunk] = nil }
        }
        let checksum = crc32c(bytes, continuing: before?.checksum ?? 0)
        sums.withLock { $0[chunk] = Sum(checksum: checksum, end: range.upperBound) }
    }

    /// The checksums of those chunks of a file of this size that have passed whole.
    public func whole(size: Int64) -> [Int: UInt32] {
        sums.withLock { sums in
            sums.filter { $0.value.end == min(size, Int64($0.key + 1) * ChunkSize.chunk) }
                .mapValues(\.checksum)
        }
    }
}
