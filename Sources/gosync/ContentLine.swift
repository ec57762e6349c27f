import Base
import FoundationEssentials

/// The bytes of a file as a line of JSON, `{"path":…,"base64":…}`, printed as they come: the file may be
/// larger than the memory.
struct ContentLine {
    private let path: String
    private var hasBegun = false
    /// Base64 takes three at a time.
    private var rest: [UInt8] = []

    init(_ path: String) { self.path = path }

    mutating func add(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { rest += $0 }
        let whole = rest.count - rest.count % 3
        write(rest[..<whole])
        rest.removeFirst(whole)
    }

    /// All bytes were there.
    mutating func end() {
        write(rest[...])
        Output.line("\"}")
    }

    /// Says in the line, if it has begun, why the bytes end early.
    ///
    /// - Returns: the failure, which is told then.
    mutating func end(_ failure: Failure) -> Failure {
        guard hasBegun else { return failure }
        var end = "\",\"error\":"
        end.appendJSON(failure.message)
        Output.line(end + "}")
        var told = failure
        told.isTold = true
        return told
    }

    private mutating func write(_ bytes: ArraySlice<UInt8>) {
        if !hasBegun {
            hasBegun = true
            var start = "{\"path\":"
            start.appendJSON(path)
            Output.text(start + ",\"base64\":\"")
        }
        Output.text(Data(bytes).base64EncodedString())
    }
}
