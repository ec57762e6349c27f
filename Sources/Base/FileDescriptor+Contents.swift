import Glibc

extension FileDescriptor {
    /// Reads from where the descriptor stands to the end, a pipe as well as a file.
    ///
    /// More than `limitBytes` is `EFBIG`: the caller names the most it is ready to hold.
    public func contents(limitBytes: Int) throws(Errno) -> [UInt8] {
        var bytes: [UInt8] = []
        let chunkBytes = 16 * 1024
        while true {
            var failure: Errno?
            let chunk = [UInt8](unsafeUninitializedCapacity: chunkBytes) { buffer, count in
                do throws(Errno) {
                    count = try retrying { Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            if chunk.isEmpty { return bytes }
            guard bytes.count + chunk.count <= limitBytes else { throw .tooLarge }
            bytes += chunk
        }
    }
}

/// Fills the free capacity of `output` from a descriptor that somebody else holds open.
public func read(
    _ descriptor: CInt,
    into output: inout OutputRawSpan,
    at offset: Int64
) throws(Errno) {
    let file = FileDescriptor(owning: descriptor)
    var failure: Errno?
    do throws(Errno) {
        try file.read(into: &output, at: offset)
    } catch {
        failure = error
    }
    _ = file.release()
    if let failure { throw failure }
}
