import Base
import Digest
import TestSupport
import Testing

struct ParallelMD5Tests {
    /// Around the ends of blocks and of the pieces that are read at once.
    private static let sizes =
        Array(0...200) + [1000, 65_535, 65_536, 65_537, 65_591, 65_592, 131_072, 200_001]

    /// OpenSSL's MD5 is the model.
    @Test(arguments: 1...ParallelMD5.mostStreams)
    func eachStreamHasTheSumThatItHasAlone(streams: Int) throws {
        var random = SplitMix64(seed: UInt64(streams))
        for size in Self.sizes + (0..<10).map({ _ in Int.random(in: 0...150_000, using: &random) })
        {
            let bytes = (0..<streams).map { _ in sample(size, using: &random) }
            let sums = try ParallelMD5.sums(streams: streams, size: Int64(size)) {
                (stream, output, offset) throws(Errno) in
                // As much as comes at once, as a file or a connection would give.
                let count = min(output.freeCapacity, Int.random(in: 1...70_000, using: &random))
                bytes[stream].withUnsafeBytes { source in
                    output.withUnsafeMutableBytes { buffer, filled in
                        let from = source[Int(offset)..<Int(offset) + count]
                        UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: from))
                        filled += count
                    }
                }
            }
            #expect(sums == bytes.map { md5($0) }, "\(size) bytes")
        }
    }

    @Test func whatCannotBeReadHasNoSum() {
        #expect(throws: Errno.timedOut) {
            try ParallelMD5.sums(streams: 3, size: 100_000) {
                stream,
                output,
                offset throws(Errno) in
                if stream == 2, offset > 0 { throw .timedOut }
                while output.freeCapacity > 0 { output.append(1) }
            }
        }
        #expect(throws: Errno.ioError) {
            try ParallelMD5.sums(streams: 3, size: 10) { _, _, _ in }
        }
    }

    private func sample(_ count: Int, using random: inout SplitMix64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) }
        }
        return Array(bytes.prefix(count))
    }
}
