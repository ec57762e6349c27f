/// SQL text and the arguments of its question marks, in order.
///
/// Values come in by interpolation and never become part of the text:
///
///     "SELECT file FROM file_tag WHERE value = \(id) AND \(condition)"
public struct SQL: Equatable, Sendable {
    public private(set) var text: String
    public private(set) var values: [Value]

    public enum Value: Equatable, Sendable {
        case integer(Int64)
        case real(Double)
        case text(String)
    }
}

extension SQL: ExpressibleByStringInterpolation {
    public init(stringLiteral text: String) { self.init(text: text, values: []) }

    public init(stringInterpolation: Interpolation) {
        self.init(text: stringInterpolation.text, values: stringInterpolation.values)
    }

    public struct Interpolation: StringInterpolationProtocol {
        fileprivate var text = ""
        fileprivate var values: [Value] = []

        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity * 2)
        }

        public mutating func appendLiteral(_ literal: String) { text += literal }

        /// Other SQL, with its own arguments.
        public mutating func appendInterpolation(_ sql: SQL) {
            text += sql.text
            values += sql.values
        }

        public mutating func appendInterpolation(_ integer: Int64) { append(.integer(integer)) }
        public mutating func appendInterpolation(_ string: String) { append(.text(string)) }

        /// A whole number goes as an integer, which compares exactly with one.
        public mutating func appendInterpolation(_ number: Double) {
            append(Int64(exactly: number).map(Value.integer) ?? .real(number))
        }

        private mutating func append(_ value: Value) {
            text += "?"
            values.append(value)
        }
    }
}

extension [SQL] {
    func joined(by separator: String) -> SQL {
        var whole: SQL = ""
        for (index, sql) in enumerated() {
            whole = index == 0 ? sql : "\(whole)\(SQL(text: separator, values: []))\(sql)"
        }
        return whole
    }
}
