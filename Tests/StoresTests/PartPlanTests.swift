import TestSupport
import Testing

@testable import Stores

/// How a large body is divided: by the rules of S3, and with as little sent as they allow.
struct PartPlanTests {
    private static let megabyte: Int64 = 1 << 20

    @Test(arguments: 0..<300 as Range<UInt64>)
    func everyPlanKeepsTheRules(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let largest = [20 * Self.megabyte, 1 << 30, 900 << 30].randomElement(using: &random)!
        let size = Int64.random(in: 9 << 20...largest, using: &random)
        var unchanged: [Range<Int64>] = []
        var position =
            Int64.random(in: 0...1, using: &random) * Int64.random(in: 0...size, using: &random)
        while position < size, unchanged.count < 3000 {
            let longest = Int64.random(in: 1...3, using: &random) * size / 20 + 1
            let end = min(size, position + Int64.random(in: 1...longest, using: &random))
            unchanged.append(position..<end)
            position = end + Int64.random(in: 1...longest, using: &random) / 3
        }
        let plan = try #require(PartPlan(size: size, unchanged: unchanged))
        let parts = plan.parts
        #expect(parts.first?.range.lowerBound == 0 && parts.last?.range.upperBound == size)
        #expect(
            zip(parts, parts.dropFirst()).allSatisfy { $0.range.upperBound == $1.range.lowerBound }
        )
        #expect(parts.dropLast().allSatisfy { $0.range.count >= 5 << 20 })
        #expect(parts.allSatisfy { !$0.range.isEmpty && $0.range.count <= 5 << 30 })
        #expect(parts.count <= 10_000)
        for part in parts where part.isCopied {
            #expect(unchanged.contains { $0.clamped(to: part.range) == part.range })
        }
    }

    @Test func aSmallEditSendsOnePart() throws {
        let edit: Range<Int64> = 500 * Self.megabyte..<500 * Self.megabyte + (128 << 10)
        let size = 1024 * Self.megabyte
        let plan = PartPlan(size: size, unchanged: [0..<edit.lowerBound, edit.upperBound..<size])
        let sent = plan?.parts.filter { !$0.isCopied }.map(\.range)
        #expect(sent == [edit.lowerBound..<edit.lowerBound + 5 * Self.megabyte])
        #expect(plan?.parts.count == 10)
    }

    @Test func anAppendSendsWhatIsAppended() throws {
        let size = 1024 * Self.megabyte + 1000
        let plan = PartPlan(size: size, unchanged: [0..<size - 1000])
        #expect(plan?.parts.filter { !$0.isCopied }.map(\.range) == [size - 1000..<size])
    }
}
