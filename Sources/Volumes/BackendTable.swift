import Base

/// The backends of a volume, by number; they come and go while requests run.
///
/// Who has got one may go on using it: one that was taken away refuses what it is asked.
final class BackendTable: Sendable {
    private let all: Monitor<[Int64: Backend]>

    init(_ backends: [Int64: Backend]) { all = Monitor(backends) }

    subscript(number: Int64) -> Backend? { all.withLock { $0[number] } }

    var values: [Backend] { all.withLock { Array($0.values) } }

    func named(_ name: Name) -> Backend? { values.first { $0.name == name } }

    func add(_ backend: Backend) { all.update { $0[backend.number] = backend } }

    func remove(_ backend: Backend) { all.update { $0[backend.number] = nil } }
}
