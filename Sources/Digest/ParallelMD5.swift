public import Base
import CMD5

/// MD5 (RFC 1321) of several streams of the same length at once.
///
/// A processor sums up one stream no faster than each step of MD5 waits for the one before; side by side, eight
/// of them take hardly longer than one. Holds 64 KiB of each, which stay in the processor's own memory.
public enum ParallelMD5 {
    public static let mostStreams = gosync_md5_lanes
    private static let pieceBytes = 64 << 10

    /// - Parameters:
    ///   - size: of each stream.
    ///   - read: adds bytes of a stream from the offset, as many as there is room for or fewer; one that adds
    ///     nothing is an `EIO`. It is called for each stream in turn, piece by piece.
    /// - Returns: the sums in order, of 16 bytes each.
    public static func sums(
        streams: Int,
        size: Int64,
        read: (_ stream: Int, _ output: inout OutputRawSpan, _ offset: Int64) throws(Errno) -> Void
    ) throws(Errno) -> [[UInt8]] {
        precondition(1...mostStreams ~= streams && size >= 0)
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: streams * pieceBytes,
            alignment: gosync_md5_block
        )
        defer { buffer.deallocate() }
        var state = gosync_md5()
        gosync_md5_begin(&state)
        var offset: Int64 = 0
        while true {
            let count = Int(min(Int64(pieceBytes), size - offset))
            for stream in 0..<streams {
                let start = stream * pieceBytes
                let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + count])
                try fill(piece) { (output, position) throws(Errno) in
                    try read(stream, &output, offset + position)
                }
            }
            offset += Int64(count)
            add(buffer, streams, count, to: &state)
            // Less than a whole piece is the last one, if only with nothing in it.
            if count < pieceBytes { return finish(&state, buffer, streams, count, size) }
        }
    }

    private static func fill(
        _ piece: UnsafeMutableRawBufferPointer,
        read: (_ output: inout OutputRawSpan, _ position: Int64) throws(Errno) -> Void
    ) throws(Errno) {
        var output = OutputRawSpan(buffer: piece, initializedCount: 0)
        while output.freeCapacity > 0 {
            let before = output.byteCount
            try read(&output, Int64(before))
            if output.byteCount == before { throw .ioError }
        }
        _ = output.finalize(for: piece)
    }

    private static func add(
        _ buffer: UnsafeMutableRawBufferPointer,
        _ streams: Int,
        _ count: Int,
        to state: inout gosync_md5
    ) {
        let blocks = count / gosync_md5_block
        gosync_md5_add(&state, buffer.baseAddress, pieceBytes, CInt(streams), blocks)
    }

    private static func finish(
        _ state: inout gosync_md5,
        _ buffer: UnsafeMutableRawBufferPointer,
        _ streams: Int,
        _ count: Int,
        _ size: Int64
    ) -> [[UInt8]] {
        let sumBytes = gosync_md5_bytes
        let rest = count % gosync_md5_block
        let sums = [UInt8](unsafeUninitializedCapacity: streams * sumBytes) { result, initialized in
            gosync_md5_finish(
                &state,
                buffer.baseAddress! + (count - rest),
                pieceBytes,
                CInt(streams),
                rest,
                UInt64(size),
                result.baseAddress
            )
            initialized = streams * sumBytes
        }
        return (0..<streams).map { Array(sums[$0 * sumBytes..<($0 + 1) * sumBytes]) }
    }
}
