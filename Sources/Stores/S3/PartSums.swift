import Base
import Digest

/// The MD5s of the parts of a body, taken ahead of sending them, of up to eight parts at once.
///
/// Eight of them side by side are summed up several times as fast as one by one while they are sent. The price
/// is that they are read twice, so only a body that says that it can be read ahead is, and the second time
/// they may have other bytes. So a sum from here is never what the server is told: it has a part if the MD5
/// that it answers with is the one here, whatever was sent meanwhile. If it is another one, the part is sent
/// once more, and summed up on the way (`SendingSum`).
///
/// Parts of the same length that follow each other are a group. The first thread that asks for one of its sums
/// takes them all, and others that need one wait for it: it is at work on that, and not queued, so it comes to
/// an end with the reader. If it cannot be read, each who asks gets that error.
final class PartSums: Sendable {
    private enum Group {
        case waiting
        case underWay
        case done(Result<[[UInt8]], Errno>)
    }

    private let read: ObjectBody.Read
    private let groups: [[Range<Int64>]]
    /// Which group a part is in, by where it begins.
    private let groupOfPart: [Int64: Int]
    private let states: Monitor<[Group]>

    /// With fewer, one by one is as fast.
    private static let fewestParts = 3
    /// What was read ahead should still be in memory when it is sent.
    private static let mostBytes = 256 << 20

    /// - Parameter ranges: the parts that are to be sent, in order.
    /// - Returns: `nil` if nothing is to be read ahead.
    init?(_ body: ObjectBody, _ ranges: [Range<Int64>]) {
        guard let read = body.readAhead else { return nil }
        let groups = Self.groups(of: ranges)
        guard !groups.isEmpty else { return nil }
        self.read = read
        self.groups = groups
        var groupOfPart: [Int64: Int] = [:]
        for (index, group) in groups.enumerated() {
            for range in group { groupOfPart[range.lowerBound] = index }
        }
        self.groupOfPart = groupOfPart
        states = Monitor(groups.map { _ in .waiting })
    }

    /// The sum of a part; `nil` if it is in no group.
    func md5(of range: Range<Int64>) throws(Errno) -> [UInt8]? {
        guard let index = groupOfPart[range.lowerBound],
            let position = groups[index].firstIndex(of: range)
        else { return nil }
        let isFirst = states.withLock { states in
            guard case .waiting = states[index] else { return false }
            states[index] = .underWay
            return true
        }
        if isFirst {
            let result = sums(of: groups[index])
            states.update { $0[index] = .done(result) }
        }
        let result = states.wait { states -> Result<[[UInt8]], Errno>? in
            guard case .done(let result) = states[index] else { return nil }
            return result
        }
        return try result.get()[position]
    }

    private func sums(of group: [Range<Int64>]) -> Result<[[UInt8]], Errno> {
        do throws(Errno) {
            let sums = try ParallelMD5.sums(streams: group.count, size: Int64(group[0].count)) {
                (part, output, offset) throws(Errno) in
                try read(&output, group[part].lowerBound + offset)
            }
            return .success(sums)
        } catch {
            return .failure(error)
        }
    }

    private static func groups(of ranges: [Range<Int64>]) -> [[Range<Int64>]] {
        var groups: [[Range<Int64>]] = []
        for range in ranges {
            if let last = groups.last, last.count < ParallelMD5.mostStreams,
                last[0].count == range.count, (last.count + 1) * range.count <= mostBytes
            {
                groups[groups.count - 1].append(range)
            } else {
                groups.append([range])
            }
        }
        return groups.filter { $0.count >= fewestParts }
    }
}
