import Base
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// Programs at work on a mount whose server fails in every way, from a seed.
///
/// Nobody gets a wrong byte or waits for ever, and once the faults end, the store holds the tree of the
/// mount and nothing half made. `GOSYNC_FAULT_SEEDS` asks for more than the usual number of seeds.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct FaultProxyTests {
    static let seeds: Range<UInt64> = {
        let count = ProcessInfo.processInfo.environment["GOSYNC_FAULT_SEEDS"].flatMap { UInt64($0) }
        return 0..<(count ?? 3)
    }()

    private static let workSeconds = 4.0
    private static let largeBytes = 17 << 20

    @Test(arguments: seeds)
    func faultsPassWithoutATrace(seed: UInt64) throws {
        let proxy = try S3Proxy(before: .radosgw)
        var bucket = try Bucket(.radosgw)
        bucket.endpoint = proxy.url
        let scratch = try TemporaryDirectory()
        try fill(bucket, scratch.path)
        let mount = try bucket.mount(settings: "close = \(seed % 2 == 0 ? "async" : "sync")")
        let workers = (0..<2).map { Worker("w\($0)", mount, seed: seed &* 1000 &+ UInt64($0)) }
        if seed % 2 == 0 { try workers.forEach { try $0.begin() } }
        try must(access(mount.folder + "/large", F_OK))

        let faults = Faults(seed: seed)
        proxy.breaks { faults.fault(for: $0) }
        let end = monotonicSeconds() + Self.workSeconds
        let isOver = { @Sendable in monotonicSeconds() > end }
        let threads = Threads()
        // With `close = sync`, failures are told; what programs make of that is not to be foreseen.
        if seed % 2 == 0 {
            for worker in workers { threads.start { worker.work(until: isOver) } }
        }
        threads.start { editLarge(mount, scratch.path, seed: seed, until: isOver) }
        threads.start { readSmall(mount, scratch.path, seed: seed, until: isOver) }
        threads.wait()
        proxy.breaks { _ in nil }

        try mount.unmount()
        // A delivery may have failed when it was last tried, and time may have run out.
        try mount.start()
        try mount.unmount()
        let place = "seed \(seed), \(faults.told)"
        try compareStore(bucket, mount, scratch.path, workers: seed % 2 == 0 ? workers : [], place)
    }

    /// Its id was lost with the answer: it is found, and ended, also after a crash.
    @Test func anUploadThatNobodyHeardOfIsEnded() throws {
        let proxy = try S3Proxy(before: .radosgw)
        var bucket = try Bucket(.radosgw)
        bucket.endpoint = proxy.url
        let scratch = try TemporaryDirectory()
        try shell("head -c \(Self.largeBytes) /dev/urandom > large", in: scratch.path)
        let mount = try bucket.mount(settings: "close = async")
        proxy.breaks { request in
            let isBeginning = request.method == "POST" && request.target.hasSuffix("?uploads=")
            return isBeginning ? .afterwards(.reset(after: "")) : nil
        }
        try shell("cp '\(scratch.path)/large' .", in: mount.folder)
        try #require(try eventually(atMost: 60) { try !bucket.uploads().isEmpty })
        mount.crash()
        proxy.breaks { _ in nil }
        try mount.start()
        try mount.unmount()
        try bucket.rclone("copyto", "other:/large", scratch.path + "/stored")
        try shell("cmp large stored", in: scratch.path)
        #expect(try bucket.uploads().isEmpty)
    }

    /// Small files to be read, and a large one to be edited.
    private func fill(_ bucket: Bucket, _ scratch: String) throws {
        try shell(
            """
            mkdir small
            for i in 1 2 3 4 5 6 7 8 9; do head -c 300000 /dev/urandom > small/$i; done
            head -c \(Self.largeBytes) /dev/urandom > large
            """,
            in: scratch
        )
        try bucket.rclone("copy", scratch, "other:/")
    }

    private func compareStore(
        _ bucket: Bucket,
        _ mount: Mount,
        _ scratch: String,
        workers: [Worker],
        _ place: String
    ) throws {
        let store = mount.scratch.path + "/store"
        try bucket.rclone("copy", "other:", store)
        var trees = [("small", scratch + "/small")]
        trees += workers.map { ($0.name, $0.mirror) }
        for (name, expected) in trees {
            #expect(files(store + "/" + name) == files(expected), "\(place): \(name)")
        }
        let outcome = try run("/usr/bin/cmp", [store + "/large", scratch + "/large"])
        #expect(outcome.status == 0, "\(place): \(outcome)")
        #expect(try bucket.uploads().isEmpty, "\(place)")
    }
}

/// What goes wrong, drawn from a seed for one request after another.
final class Faults: Sendable {
    private struct State {
        var random: SplitMix64
        var told: [String: Int] = [:]
        var stalls = 0
    }

    private let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(random: SplitMix64(seed: seed))) }

    /// How often what went wrong.
    var told: [String: Int] { state.withLock { $0.told } }

    func fault(for request: S3Proxy.Request) -> S3Proxy.Fault? {
        state.withLock { state in
            guard Int.random(in: 0..<5, using: &state.random) == 0 else { return nil }
            guard let kind = Self.kinds(for: request).randomElement(using: &state.random) else {
                return nil
            }
            if kind == .stall {
                // Each takes a deadline.
                guard state.stalls < 2 else { return nil }
                state.stalls += 1
            }
            state.told["\(kind)", default: 0] += 1
            return kind.fault(for: request)
        }
    }

    private enum Kind {
        case busy, broken, resetBefore, lostAnswer, failedAfterwards, hiddenError
        case cutBody, wrongRange, stall, gateway

        func fault(for request: S3Proxy.Request) -> S3Proxy.Fault {
            switch self {
            case .busy: return .instead(Faults.error(503, "SlowDown"))
            case .broken: return .instead(Faults.error(500, "InternalError"))
            case .gateway: return .instead(.answer(502, body: Array("<html>bad</html>".utf8)))
            case .resetBefore: return .instead(.reset(after: ""))
            case .lostAnswer: return .afterwards(.reset(after: ""))
            case .failedAfterwards: return .afterwards(Faults.error(504, ""))
            case .hiddenError: return .instead(Faults.error(200, "InternalError"))
            case .stall: return .instead(.stall("", seconds: 60))
            case .cutBody: return .altered { $0.cut }
            case .wrongRange: return .altered { $0.moved }
            }
        }
    }

    private static func kinds(for request: S3Proxy.Request) -> [Kind] {
        let usual: [Kind] = [.busy, .broken, .gateway, .resetBefore, .stall]
        switch request.method {
        case "GET": return usual + [.cutBody, .cutBody, .wrongRange, .wrongRange]
        case "HEAD": return usual
        case "POST" where !request.target.contains("uploadId="):
            return usual + [.lostAnswer, .failedAfterwards]
        case "PUT" where request.headers["x-amz-copy-source"] == nil, "DELETE":
            return usual + [.lostAnswer, .lostAnswer, .failedAfterwards]
        default: return usual + [.lostAnswer, .lostAnswer, .failedAfterwards, .hiddenError]
        }
    }

    fileprivate static func error(_ status: Int, _ code: String) -> S3Proxy.Answer {
        .answer(status, body: Array("<Error><Code>\(code)</Code></Error>".utf8))
    }
}

extension S3Proxy.Answer {
    /// Half of what the head promises, and then the end.
    fileprivate var cut: Self {
        guard case .answer(let status, let headers, let body) = self, body.count > 1 else {
            return self
        }
        var head = "HTTP/1.1 \(status) x\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        return .rawBytes(Array((head + "\r\n").utf8) + body[..<(body.count / 2)])
    }

    /// Says that it begins one byte later.
    fileprivate var moved: Self {
        guard case .answer(let status, var headers, let body) = self,
            let name = headers.keys.first(where: { $0.lowercased() == "content-range" }),
            let first = headers[name]?.dropFirst("bytes ".count).prefix(while: \.isNumber)
        else { return self }
        let moved = "\((Int(first) ?? 0) + 1)"
        headers[name] = headers[name]?.replacingOccurrences(
            of: "bytes \(first)-",
            with: "bytes \(moved)-"
        )
        return .answer(status, headers: headers, body: body)
    }
}

/// Edits and appends, here and on a copy; what fails is repeated until it has happened.
private func editLarge(
    _ mount: Mount,
    _ scratch: String,
    seed: UInt64,
    until isOver: () -> Bool
) {
    var random = SplitMix64(seed: seed)
    var size = 17 << 20
    while !isOver() {
        let isAppend = Bool.random(using: &random)
        let offset = isAppend ? size : Int.random(in: 0..<size - 5000, using: &random)
        let bytes = [UInt8](repeating: UInt8.random(in: 0...255, using: &random), count: 5000)
        size = max(size, offset + bytes.count)
        for path in [scratch + "/large", mount.folder + "/large"] {
            let isWritten = eventually(atMost: 120) {
                let file = open(path, O_WRONLY | O_CLOEXEC)
                guard file >= 0 else { return false }
                // With `close = sync` its failure says that the store has not got it yet.
                defer { close(file) }
                return pwrite(file, bytes, bytes.count, offset) == bytes.count
            }
            if !isWritten { Issue.record("seed \(seed): nothing can be written at \(offset)") }
        }
        usleep(300_000)
    }
}

/// Reads what others have written: the right bytes, or an error.
private func readSmall(
    _ mount: Mount,
    _ scratch: String,
    seed: UInt64,
    until isOver: () -> Bool
) {
    var random = SplitMix64(seed: seed &+ 1)
    while !isOver() {
        let name = "/small/\(Int.random(in: 1...9, using: &random))"
        guard let found = FileManager.default.contents(atPath: mount.folder + name) else {
            continue
        }
        if found != FileManager.default.contents(atPath: scratch + name) {
            Issue.record("seed \(seed): \(name) was read wrongly")
        }
    }
}
