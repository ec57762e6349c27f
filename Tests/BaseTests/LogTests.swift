import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Base

struct LogTests {
    private static let line = LogLine(
        time: Timestamp(seconds: 1_700_000_000, nanoseconds: 5_000_000),
        level: .warning,
        module: "Stores",
        message: "a \"b\"\nsecond",
        request: "tx01"
    )

    /// Keeps what this suite's own lines are; others log at the same time.
    private final class Kept: LogSink {
        let lines = Mutex<[LogLine]>([])

        func write(_ line: LogLine) {
            if line.module == "BaseTests" { lines.withLock { $0.append(line) } }
        }
    }

    @Test func aModuleTellsAsMuchAsItsLevelAndNothingElseIsEvenMade() {
        let kept = Kept()
        let before = Log.levels
        Log.start(kept)
        defer {
            Log.levels = before
            Log.start(StandardErrorSink(format: .text))
        }
        var made = 0
        let message = { (text: String) -> String in
            made += 1
            return text
        }
        Log.levels = LogLevels(.error, except: ["BaseTests": .info])
        let count = Log.count(.info)
        Log.info(message("told"), request: "id")
        Log.debug(message("not told"))
        Log.levels = LogLevels(.debug, except: ["BaseTests": .error])
        Log.info(message("not told"))
        #expect(made == 1)
        #expect(Log.count(.info) > count)
        let lines = kept.lines.withLock { $0 }
        #expect(lines.map(\.message) == ["told"])
        #expect(lines.first?.request == "id" && lines.first?.level == .info)
    }

    @Test func levelsAreReadAsTheyAreWritten() throws {
        #expect(try LogLevels(parsing: "debug") == LogLevels(.debug))
        #expect(try LogLevels(parsing: "cache=debug")["Cache"] == .debug)
        let some = try LogLevels(parsing: "warning, stores = debug ,Cache=error")
        #expect(some == LogLevels(.warning, except: ["Stores": .debug, "Cache": .error]))
        #expect(some["Volumes"] == .warning && some.loudest == .debug)
        for wrong in ["", "loud", "info,", "info,debug", "x=debug", "Stores="] {
            #expect(throws: LogLevelsProblem.self) { try LogLevels(parsing: wrong) }
        }
    }

    @Test func aLineIsWrittenForPeopleAndForPrograms() throws {
        let text = Self.line.written(as: .text)
        #expect(text.hasSuffix(" warning Stores: a \"b\"\n    second [request tx01]\n"))
        let json = Self.line.written(as: .json)
        let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: String]
        #expect(
            object == [
                "time": "2023-11-14T22:13:20.005Z", "level": "warning", "module": "Stores",
                "message": "a \"b\"\nsecond", "request": "tx01",
            ]
        )
        #expect(json.hasSuffix("}\n") && json.dropLast().contains("\n") == false)
    }

    @Test func theJournalGetsFields() throws {
        let scratch = try TemporaryDirectory()
        let receiver = try DatagramReceiver(scratch.path + "/journal")
        let sink = try JournalSink(path: scratch.path + "/journal")
        sink.write(Self.line)
        var expected = Array("MESSAGE\n".utf8) + [12, 0, 0, 0, 0, 0, 0, 0]
        expected += Array("a \"b\"\nsecond\nPRIORITY=4\nSYSLOG_IDENTIFIER=gosync-mount\n".utf8)
        expected += Array("GOSYNC_MODULE=Stores\nGOSYNC_REQUEST=tx01\n".utf8)
        #expect(receiver.next() == expected)
    }
}

struct LogFileTests {
    private func write(_ count: Int, to file: LogFile, at time: Timestamp = .now()) {
        for number in 0..<count {
            let text = "line \(number) " + String(repeating: "x", count: 980)
            file.write(LogLine(time: time, level: .info, module: "Base", message: text))
        }
    }

    private func names(_ folder: TemporaryDirectory) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test func aLargeFileGivesWayAndTheOldOnesAreCompressedAndNotTooMany() throws {
        let scratch = try TemporaryDirectory()
        var rotation = LogFile.Rotation()
        rotation.sizeBytes = 65_536
        rotation.backups = 2
        let file = try LogFile(path: scratch.path + "/log", format: .text, rotation: rotation)
        write(400, to: file)
        // The last job of tidying may be the one that was queued last.
        let isTidy = try eventually(atMost: 60) {
            let all = try names(scratch)
            return all.count == 3 && all.dropFirst().allSatisfy { $0.hasSuffix(".gz") }
        }
        #expect(isTidy)
        let status = try #require(FileStatus(ofFileAt: scratch.path + "/log"))
        #expect(status.sizeBytes <= 65_536 && status.mode & 0o077 == 0)
        let newest = try #require(try names(scratch).last)
        let text = try shell("gzip -dc '\(newest)'", in: scratch.path)
        #expect(text.split(separator: "\n").count >= 60)
        file.stop()
    }

    @Test func aFileHoldsOnePeriodAndNothingIsLost() throws {
        let scratch = try TemporaryDirectory()
        var rotation = LogFile.Rotation()
        rotation.periodSeconds = 86_400
        rotation.compresses = false
        let file = try LogFile(path: scratch.path + "/log", format: .text, rotation: rotation)
        let days = (0..<3).map { Timestamp(seconds: Int64(1_700_000_000 + $0 * 86_400)) }
        for day in days { write(2, to: file, at: day) }
        file.stop()
        let all = try names(scratch)
        #expect(all.count == 3)
        let lines = try all.map { try shell("wc -l < '\($0)'", in: scratch.path) }
        #expect(lines == ["2\n", "2\n", "2\n"])
    }

    @Test func oldFilesGoAfterTheirTime() throws {
        let scratch = try TemporaryDirectory()
        try shell(
            "touch -d '3 days ago' log.20260101T000000Z.gz; touch log.20260102T000000Z other.gz",
            in: scratch.path
        )
        var rotation = LogFile.Rotation()
        rotation.keptSeconds = 86_400
        rotation.compresses = false
        let file = try LogFile(path: scratch.path + "/log", format: .text, rotation: rotation)
        let expected = ["log", "log.20260102T000000Z", "other.gz"]
        #expect(try eventually { try names(scratch) == expected })
        file.stop()
    }
}
