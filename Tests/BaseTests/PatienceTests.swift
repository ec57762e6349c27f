import Base
import Foundation
import Synchronization
import TestSupport
import Testing

/// Whether anybody wants what a thread of a test does.
private let isUnwanted: @convention(c) (UnsafeMutableRawPointer?) -> CInt = { context in
    let flag = Unmanaged<Flag>.fromOpaque(context!).takeUnretainedValue()
    return flag.isSet.load(ordering: .relaxed) ? 1 : 0
}

private final class Flag: Sendable {
    let isSet = Atomic(false)

    func set() { isSet.store(true, ordering: .relaxed) }

    func whileNotSet(_ body: () -> Void) {
        Patience.whileWanted(unless: isUnwanted, Unmanaged.passUnretained(self).toOpaque(), body)
    }
}

private func outcome<R>(_ body: () throws(Errno) -> R) -> Result<R, Errno> {
    do throws(Errno) { return .success(try body()) } catch { return .failure(error) }
}

/// Waits until the number is another than 0.
private func wait(for monitor: Monitor<Int>, in bulkhead: Bulkhead) -> Result<Int, Errno> {
    outcome { () throws(Errno) in
        try monitor.wait(in: bulkhead) { number -> Int? in number == 0 ? nil : number }
    }
}

@Suite(.timeLimit(.minutes(1))) struct PatienceTests {
    @Test func aThreadThatMustNotWaitIsToldWhereItMay() {
        let bulkhead = Bulkhead()
        let monitor = Monitor(0)
        let place = Patience.withoutWaiting {
            #expect(wait(for: Monitor(7), in: bulkhead) == .success(7))
            #expect(wait(for: monitor, in: bulkhead) == .failure(.wouldWait))
            #expect(Patience.leaveUnanswered())
        }
        #expect(place === bulkhead)
        // Afterwards the thread is as it was.
        #expect(
            outcome { () throws(Errno) in
                try bulkhead.admit(); return 1
            } == .success(1)
        )
        #expect(!Patience.leaveUnanswered())
        #expect(Patience.withoutWaiting {} == nil)
    }

    @Test func aWaitEndsWhenNobodyWantsItsResult() {
        let flag = Flag()
        let monitor = Monitor(0)
        let begin = monotonicSeconds()
        Thread {
            usleep(50_000)
            flag.set()
        }.start()
        flag.whileNotSet {
            #expect(wait(for: monitor, in: Bulkhead()) == .failure(.interrupted))
        }
        #expect(monotonicSeconds() - begin < 10)
        #expect(
            outcome { () throws(Errno) in
                try Patience.check(); return 1
            } == .success(1)
        )
    }

    @Test func aWaitForSomeTimeEndsWithIt() {
        let monitor = Monitor(0)
        Flag().whileNotSet {
            let found = outcome { () throws(Errno) in
                try monitor.wait(whileWantedAtMost: 0.25) { $0 == 0 ? nil : $0 }
            }
            #expect(found == .success(nil))
        }
    }

    @Test func whoLeavesADeliveryDoesNotEndIt() {
        let bulkhead = Bulkhead()
        let (flag, mayEnd, hasEnded) = (Flag(), Monitor(false), Monitor(false))
        Thread {
            usleep(50_000)
            flag.set()
        }.start()
        flag.whileNotSet {
            let found = outcome { () throws(Errno) in
                try bulkhead.deliver {
                    mayEnd.wait { $0 ? true : nil }
                    hasEnded.update { $0 = true }
                    return 1
                }
            }
            #expect(found == .failure(.interrupted))
        }
        mayEnd.update { $0 = true }
        #expect(hasEnded.wait(atMost: 20) { $0 ? true : nil } == true)
        #expect(outcome { () throws(Errno) in try bulkhead.deliver { 7 } } == .success(7))
        bulkhead.stop()
    }

    /// However long all threads are busy: what is over does not wait for its turn, all else does.
    @Test func jobsThatAreOverRunOutOfTurn() {
        let workers = Workers("test", limit: 2)
        let (mayEnd, done) = (Monitor(false), Monitor<Set<Int>>([]))
        for _ in 0..<2 { workers.run { _ = mayEnd.wait { $0 ? true : nil } } }
        let flags = (0..<100).map { _ in Flag() }
        for (number, flag) in flags.enumerated() {
            workers.run(unless: { flag.isSet.load(ordering: .relaxed) }) {
                done.update { _ = $0.insert(number) }
            }
        }
        for number in stride(from: 0, to: 100, by: 3) { flags[number].set() }
        let over = Set(stride(from: 0, to: 100, by: 3))
        #expect(done.wait(atMost: 20) { $0 == over ? true : nil } == true)
        mayEnd.update { $0 = true }
        #expect(done.wait(atMost: 20) { $0.count == 100 ? true : nil } == true)
        workers.stop()
    }
}
