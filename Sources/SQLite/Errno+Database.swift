public import Base

extension Errno: DatabaseFailure {
    /// A full disk is ENOSPC; anything else is EIO, and its cause is in the log.
    public init(_ error: DatabaseError) {
        Log.error("\(error)")
        self = error.isFull ? .noSpace : .ioError
    }
}
