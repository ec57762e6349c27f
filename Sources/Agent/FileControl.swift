public import Base
public import Wire

/// Files without a mount; paths and problems are as in `Control`.
public protocol FileControl: Sendable {
    func details(of path: String) throws(Problem) -> FileDetails

    /// Renames or dates a file, and returns what it is then.
    func changeFile(at path: String, _ change: FileChange) throws(Problem) -> FileDetails

    /// Removes a file or an empty directory, and returns what it was.
    func removeFile(at path: String) throws(Problem) -> FileDetails

    func makeDirectory(_ new: NewDirectory) throws(Problem) -> FileDetails

    func open(_ path: String) throws(Problem) -> any OpenContent

    /// Begins a new version of the file at a path, or a new file.
    func create(_ path: String, _ options: NewContent) throws(Problem) -> any ContentDraft
}

/// A file that is being read; closed when it is let go of.
public protocol OpenContent: AnyObject, Sendable {
    var size: Int64 { get }

    /// At most as many bytes as are asked for, and none only at the end.
    func read(at offset: Int64, count: Int) throws(Problem) -> [UInt8]
}

/// A version of a file that nobody sees until it is published; gone if that never comes.
public protocol ContentDraft: AnyObject, Sendable {
    func write(_ bytes: [UInt8]) throws(Problem)

    /// Gives the version its name; with `close = sync`, once the store has it.
    func publish() throws(Problem) -> FileDetails
}

/// What goes with the bytes of a new version.
public struct NewContent: Equatable, Sendable {
    /// Permissions of a new file, or `nil` for the usual ones; one that is replaced keeps its own.
    public var mode: UInt32?
    /// `nil` for now.
    public var modified: Timestamp?
    /// Whose bytes these are, if they do not come with the request.
    public var source: String?
    /// From `source` also come permissions, time and tags.
    public var keepsAttributes = false

    public init() {}
}
