import Foundation
import TestSupport
import Testing

/// `docs/tour.md` is true: each of its commands is run, and prints what stands there.
struct TourTests {
    struct Step: Sendable {
        var command: String
        var output: [String] = []
    }

    /// The commands of a page in their order, with the lines that follow each.
    private static func steps(_ page: String) -> [Step] {
        var steps: [Step] = []
        var isConsole = false
        for line in page.components(separatedBy: "\n") {
            if line.hasPrefix("```") {
                isConsole = line == "```console"
            } else if isConsole, line.hasPrefix("$ ") {
                steps.append(Step(command: String(line.dropFirst(2))))
            } else if isConsole {
                steps[steps.count - 1].output.append(line)
            }
        }
        return steps
    }

    /// Whether a line is as it is told; `…` stands for anything.
    private static func fits(_ line: String, _ told: String) -> Bool {
        let parts = told.components(separatedBy: "…")
        guard parts.count > 1 else { return line == told }
        guard line.hasPrefix(parts[0]) else { return false }
        var rest = line.dropFirst(parts[0].count)
        for part in parts.dropFirst().dropLast() where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return rest.hasSuffix(parts[parts.count - 1])
    }

    @Test func theTourIsTrueWordForWord() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/tour.md").standardized
        let steps = Self.steps(try String(contentsOf: page, encoding: .utf8))
        #expect(steps.count > 20)
        let home = try TemporaryDirectory()
        defer { umount2(home.path + "/gosync", CInt(MNT_DETACH)) }
        // One shell for all, which says where the output of each ends, and how it went.
        let mark = "-- end of a step --"
        let script = steps.map { "\($0.command)\nstatus=$?\necho\necho '\(mark)' $status" }
        let outcome = try run(
            "/usr/bin/env",
            [
                "-i", "HOME=\(home.path)", "PATH=\(buildDirectory):/usr/bin:/bin:/usr/sbin:/sbin",
                "LC_ALL=C.UTF-8", "/bin/sh", "-c",
                "exec 2>&1\ncd\n" + script.joined(separator: "\n"),
            ],
            in: home.path,
            atMost: 240
        )
        var printed: [[String]] = [[]]
        for line in outcome.output.split(separator: "\n") {
            if line.hasPrefix(mark) {
                printed[printed.count - 1].append(String(line.dropFirst(mark.count + 1)))
                printed.append([])
            } else {
                printed[printed.count - 1].append(String(line))
            }
        }
        #expect(printed.count == steps.count + 1, "\(outcome.output)")
        for (step, lines) in zip(steps, printed) {
            // A command that fails says so: its status stands below it in brackets.
            let status = lines.last ?? ""
            var told = step.output
            let expected = told.last.flatMap { $0.wholeMatch(of: /\[(\d+)\]/).map { String($0.1) } }
            if expected != nil { told.removeLast() }
            #expect(status == expected ?? "0", "\(step.command): \(lines)")
            let output = lines.dropLast()
            let isSame = output.count == told.count && zip(output, told).allSatisfy(Self.fits)
            let isAnything = told == ["…"] && !output.isEmpty
            #expect(isSame || isAnything, "\(step.command) printed \(Array(output)), not \(told)")
        }
    }
}
