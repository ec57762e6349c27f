import CSQLite

/// A function of ours that SQL can call: the same answer for the same arguments, and no effect.
public struct Function: Sendable {
    public let name: String
    public let argumentCount: Int
    let body: @Sendable (borrowing Arguments) -> Value

    /// Names a function; `body` runs within a statement and must not use the connection.
    public init(
        _ name: String,
        argumentCount: Int,
        body: @escaping @Sendable (borrowing Arguments) -> Value
    ) {
        self.name = name
        self.argumentCount = argumentCount
        self.body = body
    }

    /// The arguments of one call; valid only inside it.
    public struct Arguments: ~Copyable {
        let values: UnsafeMutablePointer<OpaquePointer?>?

        /// An argument as text, or `nil` for NULL and for bytes that are not UTF-8.
        public func text(_ index: Int) -> String? {
            guard let value = values?[index], let bytes = sqlite3_value_text(value) else {
                return nil
            }
            let count = Int(sqlite3_value_bytes(value))
            return String(
                validating: UnsafeBufferPointer(start: bytes, count: count),
                as: UTF8.self
            )
        }
    }
}

extension Connection {
    /// Makes a function known to the statements of this connection.
    func define(_ function: Function) {
        let box = Unmanaged.passRetained(FunctionBox(function))
        let code = sqlite3_create_function_v2(
            handle,
            function.name,
            CInt(function.argumentCount),
            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
            box.toOpaque(),
            { context, _, values in FunctionBox.call(context, values) },
            nil,
            nil,
            { box in box.map { Unmanaged<FunctionBox>.fromOpaque($0).release() } }
        )
        precondition(code == SQLITE_OK, function.name)
    }
}

/// What SQLite keeps a pointer to, and releases with the connection.
private final class FunctionBox {
    let function: Function

    init(_ function: Function) { self.function = function }

    static func call(
        _ context: OpaquePointer?,
        _ values: UnsafeMutablePointer<OpaquePointer?>?
    ) {
        guard let context, let data = sqlite3_user_data(context) else { return }
        let box = Unmanaged<FunctionBox>.fromOpaque(data).takeUnretainedValue()
        switch box.function.body(Function.Arguments(values: values)) {
        case .null: sqlite3_result_null(context)
        case .integer(let integer): sqlite3_result_int64(context, integer)
        case .real(let real): sqlite3_result_double(context, real)
        case .text(var text):
            text.withUTF8 { utf8 in
                utf8.withMemoryRebound(to: CChar.self) {
                    gosync_result_text(context, $0.baseAddress, CInt($0.count))
                }
            }
        case .blob(let bytes):
            bytes.withUnsafeBytes {
                gosync_result_blob(context, $0.baseAddress, CInt($0.count))
            }
        }
    }
}
