/// How fast the stores get what they have yet to get: a plain value, told when deliveries begin and end,
/// and of each that succeeded.
struct DeliveryMeter: Equatable, Sendable {
    struct Rate: Equatable, Sendable {
        var objectsPerSecond = 0.0
        var bytesPerSecond = 0.0
    }

    /// What was delivered in each of the last seconds.
    private var slots = [Slot](repeating: Slot(), count: windowSeconds)
    private var underWay = 0
    /// Up to when the slots know for how long something was under way.
    private var countedUntil = 0.0

    /// Moves with every delivery.
    private(set) var count: Int64 = 0

    private struct Slot: Equatable {
        var second = Int.min
        var objects: Int64 = 0
        var bytes: Int64 = 0
        /// For how long something was under way.
        var busySeconds = 0.0
    }

    /// Long enough for large objects, of which each arrives at one moment, to make an even number.
    static let windowSeconds = 30

    mutating func begin(at time: Double) {
        countBusyTime(until: time)
        underWay += 1
    }

    mutating func end(at time: Double) {
        countBusyTime(until: time)
        underWay -= 1
    }

    mutating func add(objects: Int64, bytes: Int64, at time: Double) {
        count += objects
        change(slotOf: Int(time)) { slot in
            slot.objects += objects
            slot.bytes += bytes
        }
    }

    /// The mean over the time within the window in which something was under way: a store that had nothing to
    /// do was not slow.
    mutating func rate(at time: Double) -> Rate {
        countBusyTime(until: time)
        let recent = slots.filter { $0.second > Int(time) - Self.windowSeconds }
        let seconds = recent.reduce(0) { $0 + $1.busySeconds }
        guard seconds > 0 else { return Rate() }
        return Rate(
            objectsPerSecond: Double(recent.reduce(0) { $0 + $1.objects }) / seconds,
            bytesPerSecond: Double(recent.reduce(0) { $0 + $1.bytes }) / seconds
        )
    }

    private mutating func countBusyTime(until time: Double) {
        defer { countedUntil = max(countedUntil, time) }
        guard underWay > 0 else { return }
        var from = max(countedUntil, time - Double(Self.windowSeconds))
        while from < time {
            let end = min(time, from.rounded(.down) + 1)
            change(slotOf: Int(from)) { $0.busySeconds += end - from }
            from = end
        }
    }

    private mutating func change(slotOf second: Int, _ body: (inout Slot) -> Void) {
        let index = second % Self.windowSeconds
        if slots[index].second != second { slots[index] = Slot(second: second) }
        body(&slots[index])
    }
}

extension DeliveryMeter.Rate {
    /// How long so much may take; `nil` while nothing moves, and where what has moved tells nothing of it.
    ///
    /// A request takes as long as some bytes of its body. How many is different from store to store. Where
    /// that makes no great difference, the mean of both ends is of the right order; it does if the objects
    /// that were delivered are much smaller or larger than those that are left.
    func seconds(forObjects objects: Int64, bytes: Int64) -> Double? {
        if objects == 0 { return 0 }
        guard objectsPerSecond > 0 else { return nil }
        let left = Double(bytes) / Double(objects)
        let delivered = bytesPerSecond / objectsPerSecond
        let estimates = Self.requestBytes.map { request in
            Double(objects) / objectsPerSecond * (left + request) / (delivered + request)
        }
        let (least, most) = (estimates.min() ?? 0, estimates.max() ?? 0)
        return most <= least * Self.largestSpread ? (least * most).squareRoot() : nil
    }

    /// What a request costs, in bytes: little on a slow line, much where the store is near.
    private static let requestBytes: [Double] = [4096, 1_048_576]
    private static let largestSpread = 10.0
}
