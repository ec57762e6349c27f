import Digest

/// The MD5 of a body, taken from its bytes while they are sent.
///
/// For the thread that sends. What is sent again from its start is summed up anew.
final class SendingSum {
    private var digest: MessageDigest?
    private var position: Int64 = 0

    func add(_ bytes: RawSpan, at offset: Int64) {
        if offset == 0 {
            digest = MessageDigest(.md5)
            position = 0
        }
        // Not in order: there is no sum.
        guard offset == position else { return digest = nil }
        digest?.update(bytes)
        position += Int64(bytes.byteCount)
    }

    /// The sum; `nil` unless all of a body of this size was sent.
    func finish(size: Int64) -> [UInt8]? {
        guard position == size else { return nil }
        return digest.take()?.finish()
    }
}
