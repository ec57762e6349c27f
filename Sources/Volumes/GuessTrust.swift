/// Whether what a listing tells of a backend's objects may be shown as their attributes: a plain value.
///
/// A listing tells no mode, no owner, no link, and the time of the object instead of the file's. In a
/// bucket whose objects have none of these recorded, that is all there is, and it costs nothing. So it is
/// trusted until one object was seen that says otherwise. From then on, only what an object itself has
/// told is shown: `cp -a`, `rsync -a` and `tar` would take a guess along, and keep it.
struct GuessTrust {
    private(set) var isLost = false
    private var nextLook = -Double.infinity
    private var pause = GuessTrust.firstPauseSeconds

    private static let firstPauseSeconds = 1.0
    private static let longestPauseSeconds = 60.0

    /// Whether a directory that is about to be shown by guesses should have one of them compared.
    ///
    /// - Parameter isLikely: it has an object of its own, as those make who record attributes.
    func isLookDue(at now: Double, isLikely: Bool) -> Bool { isLikely || now >= nextLook }

    mutating func noteLook(at now: Double) {
        nextLook = now + pause
        pause = min(2 * pause, Self.longestPauseSeconds)
    }

    mutating func lose() { isLost = true }
}
