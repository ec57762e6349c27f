import Base

/// How the kernel reads an open file.
public enum Reading: Equatable, Sendable {
    /// From the volume, and keeps it in its page cache.
    case cached
    /// By itself, from the file that was lent to it.
    case lent(Int32)
    /// From the volume, and keeps nothing, because others have the file lent.
    case direct(Int32)
}

/// How the kernel has a file open: while it has one handle that reads by itself, it takes no other kind
/// than `lent` and `direct`, and while it has one that is `cached`, only those.
struct Door: Sendable {
    private(set) var handles = 0
    private(set) var loan: Int32?
    /// Somebody is opening or closing it.
    var isBusy = false
    /// A program may change the bytes by way of a mapping; the file is lent, or was while it had it open.
    var mayBeMapped = false
    /// When the cache file had last changed as its bytes were looked at.
    var mappingSeen: Timestamp?

    /// Whether the next handle decides how the file is read.
    var isShut: Bool { handles == 0 }

    mutating func enter(lending new: Int32?, canWrite: Bool) -> Reading {
        if isShut { loan = new }
        handles += 1
        guard let loan else { return .cached }
        // What is written has to pass through the volume, and is seen by the others at once: it goes to
        // the very file they read.
        return canWrite ? .direct(loan) : .lent(loan)
    }

    /// Returns the loan that has ended.
    mutating func leave() -> Int32? {
        handles -= 1
        guard isShut else { return nil }
        defer { loan = nil }
        return loan
    }
}
