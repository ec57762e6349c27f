/// Work on text by its bytes: to `String`, "e" is no prefix of a decomposed "é", to a bucket it is.
extension String {
    func startsExactly(with prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

    func endsExactly(with byte: Unicode.Scalar) -> Bool {
        utf8.last == UInt8(truncatingIfNeeded: byte.value)
    }

    /// What follows the first `count` bytes; a cut within a character is repaired as `String` does.
    func droppingBytes(_ count: Int) -> String {
        String(decoding: utf8.dropFirst(count), as: UTF8.self)
    }
}
