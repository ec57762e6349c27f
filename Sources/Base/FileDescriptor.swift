import CLinux
import Glibc

/// An open file, closed when its owner lets go of it.
///
/// Reads and writes name their offset, so one descriptor serves many threads.
public struct FileDescriptor: ~Copyable, Sendable {
    public let rawValue: CInt

    /// Takes over a descriptor that is already open.
    public init(owning rawValue: CInt) { self.rawValue = rawValue }

    public init(opening path: String, flags: CInt, mode: UInt32 = 0o600) throws(Errno) {
        rawValue = try retrying { open(path, flags | O_CLOEXEC, mode) }
    }

    deinit { close(rawValue) }

    /// Gives up ownership: the caller closes the descriptor.
    public consuming func release() -> CInt {
        let value = rawValue
        discard self
        return value
    }

    /// Appends to `output` the bytes found at `offset`, up to its free capacity.
    ///
    /// The end of the file is not an error: `output` simply stays shorter.
    public func read(into output: inout OutputRawSpan, at offset: Int64) throws(Errno) {
        try output.withUnsafeMutableBytes { buffer, count throws(Errno) in
            let start = count
            while count < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                let n = try retrying {
                    pread(rawValue, rest.baseAddress, rest.count, Int(offset) + count - start)
                }
                if n == 0 { return }
                count += n
            }
        }
    }

    /// Writes all of `bytes` at `offset`.
    public func write(_ bytes: RawSpan, at offset: Int64) throws(Errno) {
        try bytes.withUnsafeBytes { buffer throws(Errno) in
            var count = 0
            while count < buffer.count {
                let rest = UnsafeRawBufferPointer(rebasing: buffer[count...])
                count += try retrying {
                    pwrite(rawValue, rest.baseAddress, rest.count, Int(offset) + count)
                }
            }
        }
    }

    /// Cuts the file or extends it with a hole.
    public func truncate(to sizeBytes: Int64) throws(Errno) {
        try retrying { ftruncate(rawValue, Int(sizeBytes)) }
    }

    /// Returns once the bytes, and the size needed to find them, are on the disk.
    public func synchronizeData() throws(Errno) { try retrying { fdatasync(rawValue) } }

    /// Gives the disk what was written so far, for `synchronizeData` to wait less.
    ///
    /// Waits for nothing, promises nothing and fails silently.
    public func startWriting() { gosync_start_writing(rawValue) }

    /// Returns when all that was written to the file system that this lies on is on its disk.
    public func synchronizeFileSystem() throws(Errno) {
        try retrying { gosync_sync_file_system(rawValue) }
    }

    /// Frees the blocks of a range, which then reads as zeros; the size stays.
    public func punchHole(_ range: Range<Int64>) throws(Errno) {
        try retrying {
            gosync_punch_hole(rawValue, range.lowerBound, range.upperBound - range.lowerBound)
        }
    }

    /// How much of the disk the file takes; asking changes nothing, where `status` may have the next write
    /// touch the inode.
    public func diskBytes() throws(Errno) -> Int64 { try retrying { gosync_disk_bytes(rawValue) } }

    /// Where the first hole starts; the end of a file that has none.
    public func firstHole() throws(Errno) -> Int64 { try retrying { gosync_first_hole(rawValue) } }

    /// Whether anybody else has the file open or mapped; `nil` where the file system cannot tell.
    ///
    /// The descriptor must be open for writing.
    public var isOpenElsewhere: Bool? {
        let answer = gosync_is_open_elsewhere(rawValue)
        return answer < 0 ? nil : answer > 0
    }

    /// Makes sure that a later write to the range finds room on the disk; the size stays.
    public func reserve(_ range: Range<Int64>) throws(Errno) {
        try retrying {
            gosync_reserve(rawValue, range.lowerBound, range.upperBound - range.lowerBound)
        }
    }

    public func setModified(_ time: Timestamp) throws(Errno) {
        // UTIME_OMIT, which Glibc's module does not show: the time of access stays.
        let times = [Glibc.timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2), time.timespec]
        try retrying { futimens(rawValue, times) }
    }
}
