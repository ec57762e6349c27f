import Foundation
import TestSupport
import Testing

@testable import gosync

/// What a person at a terminal sees, and nobody else.
struct TerminalTests {
    @Test(
        arguments: [
            (true, ["TERM": "xterm"], true), (false, ["TERM": "xterm"], false),
            (true, ["TERM": "xterm", "NO_COLOR": "1"], false),
            (true, ["TERM": "xterm", "NO_COLOR": ""], true),
            (true, ["TERM": "dumb"], false), (true, [:], false),
        ] as [(Bool, [String: String], Bool)]
    )
    func coloursAreForTerminals(isTerminal: Bool, variables: [String: String], expected: Bool) {
        #expect(Colour.isWanted(isTerminal: isTerminal) { variables[$0] } == expected)
    }

    @Test func coloursTakeNoColumns() {
        let red = Colour.red.painted("offline")
        #expect(Colour.width(of: red) == 7 && Colour.width(of: "é x") == 3)
        let lines = Table.lines([["a", red, "x"], ["long", "ok", "y"]])
        #expect(lines == ["a     \(red)  x", "long  ok       y"])
    }

    @Test(arguments: [(0, 0), (0.5, 12), (1, 24), (7, 24), (-1, 0)])
    func aBarIsFilledAsFarAsThingsAre(done: Double, filled: Int) {
        let text = ProgressBar.text(done, "3 files")
        let bar = text.dropFirst().prefix { $0 != "]" }
        #expect(bar.count == 24 && bar.count { $0 == "#" } == filled)
        #expect(text.hasSuffix("%  3 files"))
    }

    @Test func errorsAreRedAtATerminalOnly() throws {
        func complaint(_ environment: [String: String]) throws -> String {
            let outcome = try runAtTerminal(
                buildDirectory + "/gosync",
                ["--socket", "/nowhere/none.sock", "status"],
                environment: ["TERM": "xterm", "NO_COLOR": ""].merging(environment) { $1 }
            )
            #expect(outcome.status == 3)
            return outcome.output
        }
        let red = "\u{1b}[31mgosync:\u{1b}[0m GoSync is not running"
        #expect(try complaint([:]).contains(red))
        for environment in [["NO_COLOR": "1"], ["TERM": "dumb"]] {
            let text = try complaint(environment)
            #expect(text.contains("gosync: GoSync is not running") && !text.contains("\u{1b}"))
        }
        let piped = try run(
            buildDirectory + "/gosync",
            ["--socket", "/nowhere/none.sock", "status"],
            environment: ["TERM": "xterm"]
        )
        #expect(piped.status == 3 && piped.complaint.hasPrefix("gosync: GoSync is not"))
    }
}
