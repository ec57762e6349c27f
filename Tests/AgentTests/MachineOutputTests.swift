import Foundation
import TestSupport
import Testing

@testable import gosync

/// `--json` is understood by every command, and says what failed as well.
struct MachineOutputTests {
    /// What these print is no data.
    private static let reasons = [
        "gosync completion": "a script for a shell",
        "gosync complete": "lines for that script",
        "gosync manual": "a page for man",
    ]

    private static let runnable: [(path: [String], command: Command)] = {
        func all(_ command: Command, _ above: [String]) -> [(path: [String], command: Command)] {
            let path = above + [command.name]
            let below = command.subcommands.flatMap { all($0, path) }
            return command.isRunnable ? [(path, command)] + below : below
        }
        return all(Commands.root, [])
    }()

    private static func name(_ path: [String]) -> String { path.joined(separator: " ") }

    @Test func everyCommandHasIt() {
        for (path, command) in Self.runnable {
            let has = command.options.contains { $0.name == Command.Option.json.name }
            #expect(has != (Self.reasons[Self.name(path)] != nil), "\(Self.name(path))")
        }
        for name in Self.reasons.keys {
            #expect(Self.runnable.contains { Self.name($0.path) == name }, "\(name) is no command")
        }
    }

    /// Without a daemon most of them fail, and nothing but JSON tells so.
    @Test(arguments: runnable.map(\.path).filter { reasons[name($0)] == nil })
    func nothingButJSONIsPrinted(path: [String]) throws {
        let command = try #require(Self.runnable.first { $0.path == path }?.command)
        let scratch = try TemporaryDirectory()
        let arguments = command.arguments.filter { $0.count != .optional }.map { _ in "x" }
        let outcome = try run(
            buildDirectory + "/gosync",
            path.dropFirst() + arguments
                + ["--json", "--socket", "none.sock", "-c", "none/mount.conf"],
            environment: ["HOME": scratch.path],
            in: scratch.path
        )
        let documents = try Self.documents(outcome.output)
        let last = try #require(documents.last, "\(outcome.complaint)")
        guard outcome.status != 0 else { return }
        #expect(!outcome.complaint.isEmpty)
        if last["checks"] != nil { return }
        let error = try #require(last["error"] as? String, "\(outcome.output)")
        #expect(!error.isEmpty && outcome.complaint.contains(error))
        // What is done to several paths tells of each.
        let isOfPath = last["path"] as? String == "x"
        #expect(isOfPath || last["exitCode"] as? Int == Int(outcome.status), "\(outcome.output)")
    }

    @Test(arguments: [
        ["nonsense"], ["ls", "--nonsense"], ["tag", "add", "x"], ["status", "x"], ["scan"],
    ])
    func whoIsNotUnderstoodIsToldInJSON(words: [String]) throws {
        let outcome = try run(buildDirectory + "/gosync", words + ["--json"])
        #expect(outcome.status == 2)
        let documents = try Self.documents(outcome.output)
        #expect(documents.count == 1 && documents.first?["exitCode"] as? Int == 2)
    }

    /// It may be the name of a file.
    @Test func afterTwoDashesItIsNoOption() throws {
        let outcome = try run(buildDirectory + "/gosync", ["status", "--", "--json"])
        #expect(outcome.status == 2 && outcome.output.isEmpty)
    }

    /// One document that fills the output, or one in each line.
    static func documents(_ text: String) throws -> [[String: Any]] {
        func document(_ text: some StringProtocol) throws -> [String: Any] {
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
            return try #require(object as? [String: Any])
        }
        if let whole = try? document(text) { return [whole] }
        return try text.split(separator: "\n").map { try document($0) }
    }
}
