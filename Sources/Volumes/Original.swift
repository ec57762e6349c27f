import Base

/// An object that is a file, in a store that keeps its objects as files: it is read where it lies.
final class Original: Sendable {
    private let descriptor: FileDescriptor
    private let opened: NameStatus

    /// - Parameter descriptor: of a file that was just seen to be the version that is known.
    init(_ descriptor: consuming FileDescriptor) throws(Errno) {
        opened = try descriptor.nameStatus()
        self.descriptor = descriptor
    }

    /// The open file, unless somebody has written to it since.
    ///
    /// Who replaces a file leaves the one that is open as it was.
    var unchanged: CInt? {
        guard let now = try? descriptor.nameStatus() else { return nil }
        let isOnlyGone =
            now.links == 0 && now.modified == opened.modified && now.sizeBytes == opened.sizeBytes
        return now == opened || isOnlyGone ? descriptor.rawValue : nil
    }
}
