import Base
import Glibc

/// What was answered and is not committed yet, in a file beside the database.
///
/// The invariant: **a write is answered when its record is in the file, or its transaction is committed.**
/// A record that was written is in the kernel's memory and survives the death of the process, as a commit
/// in WAL mode does; neither survives a power failure by itself (`Database.write(durably:)`).
///
/// Which records count is told by the database alone: its table `redo` has one row, with a number drawn
/// anew at every start (`epoch`) and the number of the last batch that was committed. Both change in the
/// transactions they speak of. The records of the batch after that one are what is missing. They are
/// written from the start of the file, over those of former batches: another epoch, batch, place or
/// checksum ends them.
final class RedoLog {
    /// Before each record.
    struct Header: Equatable {
        var epoch: Int64
        var batch: Int64
        /// Counts the records of a batch.
        var place: UInt32
        /// Of the record, without the header.
        var length: UInt32
    }

    static let headerBytes = 32
    /// A batch whose records would be longer is committed.
    static let limitBytes: Int64 = 8 << 20

    private let file: FileDescriptor
    private var end: Int64 = 0

    init(beside database: String) throws(Errno) {
        let path = Self.path(beside: database)
        file = try FileDescriptor(opening: path, flags: O_RDWR | O_CREAT)
    }

    private static func path(beside database: String) -> String { database + "-redo" }

    /// The records that follow the last batch that was committed.
    static func records(
        beside database: String,
        after batch: Int64,
        epoch: Int64
    ) throws(Errno) -> [RedoRecord] {
        let bytes: [UInt8]
        do throws(Errno) {
            let file = try FileDescriptor(opening: path(beside: database), flags: O_RDONLY)
            bytes = try file.contents(limitBytes: Int(limitBytes))
        } catch {
            if error == .noEntry { return [] }
            throw error
        }
        var records: [RedoRecord] = []
        var rest = bytes[...]
        var expected = Header(epoch: epoch, batch: batch + 1, place: 0, length: 0)
        while let header = Header(rest, like: expected) {
            let length = headerBytes + Int(header.length)
            records.append(RedoRecord(written: [UInt8](rest.prefix(length))))
            rest = rest.dropFirst(length)
            expected.place += 1
        }
        return records
    }

    /// Adds a record to a batch; `place` 0 begins one.
    func append(_ record: inout RedoRecord, _ header: Header) throws(Errno) {
        if header.place == 0 { end = 0 }
        guard end + Int64(record.bytes.count) <= Self.limitBytes else { throw .tooLarge }
        record.write(header: header)
        try file.write(record.bytes.span.bytes, at: end)
        end += Int64(record.bytes.count)
    }

    /// Puts the file of a database out of the way, for a person to look at; returns its new path.
    static func putAside(beside database: String) -> String {
        let aside = path(beside: database) + ".damaged"
        rename(path(beside: database), aside)
        return aside
    }
}

extension RedoLog.Header {
    /// Puts the header before a record that has left room for it.
    func write(to record: inout [UInt8]) {
        record.withUnsafeMutableBytes { buffer in
            buffer.storeBytes(of: epoch.littleEndian, as: Int64.self)
            buffer.storeBytes(of: batch.littleEndian, toByteOffset: 8, as: Int64.self)
            buffer.storeBytes(of: place.littleEndian, toByteOffset: 16, as: UInt32.self)
            let length = UInt32(buffer.count - RedoLog.headerBytes)
            buffer.storeBytes(of: length.littleEndian, toByteOffset: 20, as: UInt32.self)
            buffer.storeBytes(of: 0, toByteOffset: 24, as: UInt64.self)
        }
        let checksum = crc32c(record)
        record.withUnsafeMutableBytes {
            $0.storeBytes(of: checksum.littleEndian, toByteOffset: 24, as: UInt32.self)
        }
    }

    /// The header of a whole, sound record; `nil` where another one was expected.
    init?(_ bytes: ArraySlice<UInt8>, like expected: RedoLog.Header) {
        guard bytes.count >= RedoLog.headerBytes else { return nil }
        self = expected
        length = bytes.dropFirst(20).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        let count = RedoLog.headerBytes + Int(length)
        guard count <= bytes.count else { return nil }
        var record = [UInt8](bytes.prefix(count))
        write(to: &record)
        guard record.elementsEqual(bytes.prefix(count)) else { return nil }
    }
}
