public import Base
import HTTP

extension S3Store {
    /// A transfer that brought at least this much may be taken up again with fresh tries.
    private static let progressBytes: Int64 = 1 << 20

    @discardableResult
    public func get(
        _ key: Key,
        range: Range<Int64>,
        ifMatch: String?,
        sink: (RawSpan) throws(Errno) -> Void
    ) throws(StoreError) -> ObjectInfo {
        try storing { () throws(S3Failure) in
            guard !range.isEmpty else { return try confirm(key, range.lowerBound, ifMatch) }
            var info: ObjectInfo?
            var reading = RangeReading(range: range, etag: ifMatch)
            var backoff = Backoff(client.configuration.limits)
            var checkpoint = range.lowerBound
            while !reading.isComplete {
                do throws(S3Failure) {
                    info = try read(key, &reading, sink)
                } catch {
                    if reading.position - checkpoint >= Self.progressBytes {
                        checkpoint = reading.position
                        backoff = Backoff(client.configuration.limits)
                    }
                    guard client.recover(from: error, &backoff) else { throw error }
                }
            }
            guard let info else { throw S3Failure(.malformed("no answer")) }
            return info
        }
    }

    /// An empty range brings no bytes, but still says whether the object is what it was.
    private func confirm(
        _ key: Key,
        _ offset: Int64,
        _ etag: String?
    ) throws(S3Failure) -> ObjectInfo {
        let info = try info(key)
        if let etag, info.etag != etag { throw S3Failure(.changed) }
        if offset > info.size { throw S3Failure(.invalid("a range past the end")) }
        return info
    }

    /// Asks for what is still missing, and passes on as much as comes.
    private func read(
        _ key: Key,
        _ reading: inout RangeReading,
        _ sink: (RawSpan) throws(Errno) -> Void
    ) throws(S3Failure) -> ObjectInfo {
        var request = S3Request(method: "GET", key: try full(key))
        request.headers["Range"] = "bytes=\(reading.position)-\(reading.range.upperBound - 1)"
        if let etag = reading.etag { request.headers["If-Match"] = "\"\(etag)\"" }
        // `use` and `sink` run one after the other on this thread, but both change the state.
        var state = reading
        var answered = HTTPHead(status: 0, headers: HTTPHeaders())
        defer { reading = state }
        var hasEnough = false
        do throws(S3Failure) {
            _ = try client.sendOnce(request) { head in
                answered = head
                return state.begin(head) ? .stream : .refuse
            } sink: { bytes throws(Errno) in
                let wanted = state.take(bytes.byteCount)
                if !wanted.isEmpty { try sink(bytes.extracting(wanted)) }
                // The whole object came although a part was asked for: the rest is not wanted.
                if state.isOverfull {
                    hasEnough = true
                    throw .interrupted
                }
            }
        } catch {
            guard hasEnough else { throw error }
        }
        if let refusal = state.refusal { throw refusal }
        guard state.isComplete else {
            var failure = S3Failure(.malformed("an answer shorter than its range"))
            failure.isTransient = true
            throw failure
        }
        guard let size = state.objectSize else { return try info(key) }
        return try ObjectInfo(key, answered, size: size)
    }
}

/// How far a range has been read, and what the answer at hand brings: decides, and does nothing.
struct RangeReading {
    let range: Range<Int64>
    /// The version all bytes must come from; taken from the first answer if nobody asked for one.
    private(set) var etag: String?
    /// Where the next byte that is wanted lies in the object.
    private(set) var position: Int64
    private(set) var refusal: S3Failure?
    /// Where the next byte of the answer lies in the object.
    private var offset: Int64 = 0
    private(set) var isOverfull = false
    /// Of the whole object, where the last answer told.
    private(set) var objectSize: Int64?

    /// The most bytes to throw away before the range begins, if a server ignores ranges.
    private static let longestSkipBytes: Int64 = 64 << 20

    init(range: Range<Int64>, etag: String?) {
        self.range = range
        self.etag = etag
        position = range.lowerBound
    }

    var isComplete: Bool { position == range.upperBound }

    /// Judges an answer by its head; `false` if not a byte of it may be used.
    mutating func begin(_ head: HTTPHead) -> Bool {
        refusal = nil
        isOverfull = false
        do throws(S3Failure) {
            try checkVersion(head)
            offset = try firstOffset(head)
            return true
        } catch {
            refusal = error
            return false
        }
    }

    private mutating func checkVersion(_ head: HTTPHead) throws(S3Failure) {
        // An error page under status 200 has no ETag, and neither has a proxy's page.
        guard let found = head.headers["ETag"].map(unquoted), !found.isEmpty else {
            var failure = S3Failure(.malformed("an answer without an ETag"))
            failure.isTransient = true
            throw failure
        }
        if let etag, found != etag { throw S3Failure(.changed) }
        etag = found
    }

    /// Where the answer begins; it must reach from there to the end of what is wanted.
    private mutating func firstOffset(_ head: HTTPHead) throws(S3Failure) -> Int64 {
        let length = head.headers["Content-Length"].flatMap { Int64($0) }
        // Some servers answer 200 to a range, and still send no more than the range.
        if let text = head.headers["Content-Range"] {
            guard let (answered, size) = contentRange(text), answered.lowerBound == position,
                answered.upperBound <= range.upperBound,
                length == nil || length == Int64(answered.count)
            else { throw S3Failure(.malformed("asked from \(position) on, got \(text)")) }
            guard answered.upperBound == range.upperBound else {
                throw S3Failure(
                    size == answered.upperBound
                        ? .invalid("a range past the end")
                        : .malformed("asked up to \(range.upperBound), got \(text)")
                )
            }
            objectSize = size
            return position
        }
        guard head.status == 200, let length else {
            throw S3Failure(.malformed("a part without its range"))
        }
        guard length >= range.upperBound else { throw S3Failure(.invalid("a range past the end")) }
        guard position <= Self.longestSkipBytes else {
            throw S3Failure(.malformed("the whole object instead of a range"))
        }
        objectSize = length
        return 0
    }

    /// Takes the next bytes of the answer, and says which of them are wanted.
    mutating func take(_ count: Int) -> Range<Int> {
        let start = offset
        offset += Int64(count)
        if offset > range.upperBound { isOverfull = true }
        let wanted = max(start, position)..<max(max(start, position), min(offset, range.upperBound))
        if !wanted.isEmpty { position = wanted.upperBound }
        return Int(wanted.lowerBound - start)..<Int(wanted.upperBound - start)
    }

    /// Reads `bytes 0-9/100`; the size is `nil` for `*`.
    private func contentRange(_ text: String) -> (Range<Int64>, size: Int64?)? {
        guard text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split { $0 == "-" || $0 == "/" }
        guard parts.count == 3, let first = Int64(parts[0]), let last = Int64(parts[1]),
            first >= 0, last >= first, last < .max
        else { return nil }
        return (first..<last + 1, Int64(parts[2]))
    }
}
