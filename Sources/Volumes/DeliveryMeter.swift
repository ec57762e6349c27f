/// How fast the stores get what they have yet to get: a plain value, told of each delivery.
struct DeliveryMeter: Equatable, Sendable {
    struct Rate: Equatable, Sendable {
        var objectsPerSecond = 0.0
        var bytesPerSecond = 0.0
    }

    /// What was delivered in each of the last seconds.
    private var slots = [Slot](repeating: Slot(), count: windowSeconds)

    /// Moves with every delivery.
    private(set) var count: Int64 = 0

    private struct Slot: Equatable {
        var second = Int.min
        var objects: Int64 = 0
        var bytes: Int64 = 0
    }

    /// Long enough for large objects, of which each arrives at one moment, to make an even number.
    static let windowSeconds = 30

    mutating func add(objects: Int64, bytes: Int64, at time: Double) {
        let second = Int(time)
        let index = second % Self.windowSeconds
        if slots[index].second != second { slots[index] = Slot(second: second) }
        count += objects
        slots[index].objects += objects
        slots[index].bytes += bytes
    }

    /// The mean since the first delivery within the window.
    func rate(at time: Double) -> Rate {
        let now = Int(time)
        let recent = slots.filter { $0.second > now - Self.windowSeconds }
        guard let first = recent.map(\.second).min() else { return Rate() }
        let seconds = max(1, time - Double(first))
        return Rate(
            objectsPerSecond: Double(recent.reduce(0) { $0 + $1.objects }) / seconds,
            bytesPerSecond: Double(recent.reduce(0) { $0 + $1.bytes }) / seconds
        )
    }
}

extension DeliveryMeter.Rate {
    /// How long so much may take; `nil` while nothing moves.
    func seconds(forObjects objects: Int64, bytes: Int64) -> Double? {
        if objects == 0 { return 0 }
        guard objectsPerSecond > 0 else { return nil }
        let byCount = Double(objects) / objectsPerSecond
        return bytesPerSecond > 0 ? max(byCount, Double(bytes) / bytesPerSecond) : byCount
    }
}
