import Base
import Digest
import HTTP

/// A body ready to be sent as often as needed, with its digests.
struct Payload {
    var body: HTTPBody
    /// In hexadecimal, for the signature; or `unsigned`.
    var sha256: String
    /// For `Content-MD5`; `nil` without a body.
    var md5: [UInt8]?

    static let unsigned = "UNSIGNED-PAYLOAD"
    private static let emptySHA256 = hex(Digest.sha256(""))

    /// No body at all.
    init() { self.init(body: .none, sha256: Self.emptySHA256) }

    private static let hashedPieceBytes = 1 << 20

    private init(body: HTTPBody, sha256: String, md5: [UInt8]? = nil) {
        self.body = body
        self.sha256 = sha256
        self.md5 = md5
    }

    init(_ bytes: [UInt8]) {
        self.init(body: .bytes(bytes), sha256: hex(Digest.sha256(bytes)), md5: Digest.md5(bytes))
    }

    /// Takes a range of an object's body: held in memory if it is small, else read twice.
    init(_ body: ObjectBody, _ range: Range<Int64>) throws(Errno) {
        if range.count <= heldBodyBytes {
            self.init(try body.bytes(range))
            return
        }
        var sha256 = MessageDigest(.sha256)
        var md5 = MessageDigest(.md5)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let end = min(offset + Int64(Self.hashedPieceBytes), range.upperBound)
            let piece = try body.bytes(offset..<end)
            sha256.update(piece)
            md5.update(piece)
            offset = end
        }
        self.init(
            body: Self.stream(body, range),
            sha256: hex(sha256.finish()),
            md5: md5.finish()
        )
    }

    /// Takes a range of an object's body that is read while it is sent, and of which nothing is told before.
    init(unsummed body: ObjectBody, _ range: Range<Int64>) {
        self.init(body: Self.stream(body, range), sha256: Self.unsigned)
    }

    /// - Parameter passing: gets what is read, and where in the range it begins.
    private static func stream(
        _ body: ObjectBody,
        _ range: Range<Int64>,
        passing: @escaping (RawSpan, Int64) -> Void = { _, _ in }
    ) -> HTTPBody {
        let start = range.lowerBound
        return .stream(size: Int64(range.count)) { output, offset throws(Errno) in
            let before = output.byteCount
            try body.read(&output, start + offset)
            passing(output.bytes.extracting(before..<output.byteCount), offset)
        }
    }

    /// Takes a range of an object's body that is read once, while it is sent, and summed up on the way.
    init(_ body: ObjectBody, _ range: Range<Int64>, summing sum: SendingSum) {
        let stream = Self.stream(body, range) { sum.add($0, at: $1) }
        self.init(body: stream, sha256: Self.unsigned)
    }
}

extension ObjectBody {
    func bytes(_ range: Range<Int64>) throws(Errno) -> [UInt8] {
        try filledBytes(count: range.count) { output, offset throws(Errno) in
            try read(&output, range.lowerBound + offset)
        }
    }
}
