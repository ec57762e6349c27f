import Base

/// What one write has done, as the statements that do it again.
///
/// A statement is its SQL and its arguments; on the database that it was run on, it does the same again.
/// Layout, all numbers little-endian: for each statement the length of its SQL (4 bytes) and the SQL, the
/// number of values (4), and the values, each a byte for its type and 8 bytes, or a length of 4 and that
/// many bytes.
struct RedoRecord {
    /// Begins with room for the header that `RedoLog` puts before it.
    private(set) var bytes: [UInt8]
    /// Everything that was done is in the record.
    var isComplete = true

    init() { bytes = [UInt8](repeating: 0, count: RedoLog.headerBytes) }

    /// A record that was written, with its header.
    init(written bytes: [UInt8]) { self.bytes = bytes }

    var isEmpty: Bool { bytes.count <= RedoLog.headerBytes && isComplete }

    mutating func append(_ sql: String, _ values: [Value]) {
        append(text: sql)
        append(UInt32(values.count))
        for value in values { append(value) }
    }

    mutating func write(header: RedoLog.Header) {
        header.write(to: &bytes)
    }

    private mutating func append(_ value: Value) {
        switch value {
        case .null: bytes.append(0)
        case .integer(let integer):
            bytes.append(1)
            append(integer)
        case .real(let real):
            bytes.append(2)
            append(real.bitPattern)
        case .text(let text):
            bytes.append(3)
            append(text: text)
        case .blob(let blob):
            bytes.append(4)
            append(UInt32(blob.count))
            bytes += blob
        }
    }

    private mutating func append(text: String) {
        append(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

extension RedoRecord {
    /// Hands out the statements in order; `false` where the bytes are no such record.
    func forEach(_ body: (String, [Value]) -> Void) -> Bool {
        var reader = Reader(bytes: bytes[RedoLog.headerBytes...])
        while !reader.bytes.isEmpty {
            guard let sql = reader.text(), let values = reader.values() else { return false }
            body(sql, values)
        }
        return true
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func values() -> [Value]? {
            guard let count = integer(UInt32.self), count <= bytes.count else { return nil }
            var values: [Value] = []
            for _ in 0..<count {
                guard let value = value() else { return nil }
                values.append(value)
            }
            return values
        }

        private mutating func value() -> Value? {
            switch bytes.popFirst() {
            case 0: .null
            case 1: integer(Int64.self).map(Value.integer)
            case 2: integer(UInt64.self).map { .real(Double(bitPattern: $0)) }
            case 3: text().map(Value.text)
            case 4: piece().map { .blob([UInt8]($0)) }
            default: nil
            }
        }

        mutating func text() -> String? {
            piece().map { String(decoding: $0, as: UTF8.self) }
        }

        private mutating func piece() -> ArraySlice<UInt8>? {
            guard let count = integer(UInt32.self) else { return nil }
            return take(Int(count))
        }

        private mutating func integer<N: FixedWidthInteger>(_: N.Type) -> N? {
            guard let taken = take(N.bitWidth / 8) else { return nil }
            return taken.reversed().reduce(0) { $0 << 8 | N(truncatingIfNeeded: $1) }
        }

        private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count <= bytes.count else { return nil }
            defer { bytes = bytes.dropFirst(count) }
            return bytes.prefix(count)
        }
    }
}
