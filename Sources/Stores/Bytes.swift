import Base

/// An array of `count` bytes that `read` fills piece by piece, each from the offset it is given.
///
/// A piece that adds nothing is an `EIO`: the bytes promised are not there.
func filledBytes(
    count: Int,
    read: (_ output: inout OutputRawSpan, _ offset: Int64) throws(Errno) -> Void
) throws(Errno) -> [UInt8] {
    try bytes(count: count) { (output) throws(Errno) in
        while output.byteCount < count {
            let before = output.byteCount
            try read(&output, Int64(before))
            if output.byteCount == before { throw .ioError }
        }
    }
}

extension OutputRawSpan {
    /// Copies the bytes, which must fit into the free capacity.
    mutating func append(contentsOf bytes: RawSpan) {
        precondition(bytes.byteCount <= freeCapacity)
        unsafe withUnsafeMutableBytes { buffer, count in
            unsafe bytes.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                    .copyMemory(from: source)
            }
            count += bytes.byteCount
        }
    }
}
