import Base
import Testing

@testable import Volumes

struct NoticeQueueTests {
    @Test func eachNoticeIsToldOnce() {
        var queue = NoticeQueue()
        #expect(queue.take() == nil)
        for _ in 0..<3 {
            queue.add(.name("a", in: 1))
            queue.add(.attributes(of: 7))
        }
        #expect(queue.take() == [.name("a", in: 1), .attributes(of: 7)])
        #expect(queue.take() == nil)
        queue.add(.name("a", in: 1))
        #expect(queue.take() == [.name("a", in: 1)])
    }

    @Test func tooManyNamesBecomeAllOfThem() {
        var queue = NoticeQueue()
        queue.add(.attributes(of: 7))
        for number in 0..<20_000 { queue.add(.name(Name("\(number)"), in: 1)) }
        #expect(queue.take() == [.attributes(of: 7), .allNames])
        queue.add(.name("a", in: 1))
        #expect(queue.take() == [.name("a", in: 1)])
    }

    @Test func tooManyAttributesAreLeftToExpire() {
        var queue = NoticeQueue()
        for number in 0..<20_000 { queue.add(.attributes(of: UInt64(number))) }
        #expect(queue.take()?.count == NoticeQueue.limit)
    }

    @Test func nothingIsKeptAfterTheEnd() {
        var queue = NoticeQueue()
        queue.add(.name("a", in: 1))
        queue.end()
        queue.add(.name("b", in: 1))
        #expect(queue.take() == nil && queue.hasEnded)
    }
}
