import Base
import Foundation
import TestSupport
import Testing
import Wire

@testable import gosync

/// What shells offer, and what the man pages say, is what the program takes.
struct CompletionTests {
    private func words(_ line: String, files: [String] = []) -> [String] {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        return Completion(words, as: Commands.root) { _, _ in files }.candidates.map(\.word)
    }

    @Test(
        arguments: [
            ("ta", ["tag"]), ("tag ex", ["export"]), ("tag s", ["set", "search"]),
            ("filter create x y --la", ["--layout"]),
            ("filter create x y --layout ", ["flat", "tree"]),
            ("filter create x y --layout=t", ["--layout=tree"]),
            ("filter create --layout tree x y --names c", ["collide"]),
            ("filter create --assert=y", ["--assert=yes"]), ("ls -- --j", []),
            ("completion z", ["zsh"]), ("--config x com", ["completion"]),
            ("-c x com", ["completion"]),
            ("ls --unknown=x", []), ("tag none a", []), ("manu", []), ("version x", []),
        ] as [(String, [String])]
    )
    func aBegunWordIsCompleted(line: String, expected: [String]) {
        #expect(words(line) == expected)
    }

    @Test func filesComeFromTheVolumeAndTheMachine() {
        let files = ["a/x", "a/y", "b/x"]
        #expect(words("ls a/", files: files) == ["a/x", "a/y"])
        #expect(words("tag add a/x k=v a", files: files) == [])
        let completion = Completion(["ls", ""], as: Commands.root) { _, _ in [] }
        #expect(completion.takesLocalFiles)
        #expect(!Completion(["tag", ""], as: Commands.root) { _, _ in [] }.takesLocalFiles)
        #expect(Completion(["-c", "/"], as: Commands.root) { _, _ in [] }.takesLocalFiles)
    }

    /// Every command and every option that is shown to people is in help, completion and the man page.
    @Test func nothingIsMissingAnywhere() {
        let page = Manual.gosync.text(of: Commands.root)
        func check(_ command: Command, _ path: [String]) {
            let help = Help.text(of: command, path: path)
            let line = path.dropFirst().map { $0 + " " }.joined()
            let offered = words(line)
            for next in command.subcommands {
                #expect(help.contains("\n  \(next.name) ") != next.isHidden)
                #expect(offered.contains(next.name) != next.isHidden)
                if next.isHidden { continue }
                let title = (path + [next.name]).joined(separator: " ").replacing("-", with: "\\-")
                #expect(page.contains(".SS \"\(title)"), "\(title)")
                check(next, path + [next.name])
            }
            let options = words(line + "-")
            for option in command.allOptions {
                #expect(help.contains("--\(option.name)"))
                #expect(options.contains("--\(option.name)"))
                let name = "\\-\\-\(option.name.replacing("-", with: "\\-"))"
                #expect(page.contains(name), "\(option.name)")
            }
            for argument in command.arguments where !argument.help.isEmpty {
                #expect(help.contains(argument.help.split(separator: " ")[0]))
                #expect(page.contains(argument.name.replacing("-", with: "\\-")))
            }
        }
        check(Commands.root, ["gosync"])
    }

    @Test(arguments: Manual.allCases)
    func pagesAreSoundRoff(page: Manual) throws {
        let scratch = try TemporaryDirectory()
        let file = scratch.path + "/" + page.rawValue
        try Data(page.text(of: Commands.root).utf8).write(to: URL(filePath: file))
        let outcome = try run(
            "/usr/bin/groff",
            ["-man", "-ww", "-Tutf8", "-z", file],
            environment: ["LC_ALL": "C.UTF-8"]
        )
        #expect(outcome.status == 0)
        #expect(outcome.complaint == "")
    }

    /// The script of bash, asked as bash asks it.
    @Test func bashOffersWhatTheProgramSays() throws {
        let script = """
            PATH="$1:$PATH"
            source <(gosync completion bash)
            COMP_LINE=$2 COMP_POINT=${#2}
            _gosync
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        let ask = { (line: String) in
            let outcome = try run("/bin/bash", ["-c", script, "bash", buildDirectory, line])
            #expect(outcome.complaint == "")
            return outcome.output.split(separator: "\n").map(String.init)
        }
        #expect(try ask("gosync fil") == ["filter"])
        #expect(try ask("gosync filter create x 'y z' --layout=") == ["flat", "tree"])
        #expect(try ask("gosync filter create x 'y z' --layout ") == ["flat", "tree"])
        #expect(try ask("gosync completion ") == ["bash", "zsh", "fish"])
        #expect(try ask("gosync -c /usr/bi") == ["/usr/bin"])
    }

    /// zsh and fish are asked where they are installed.
    @Test(arguments: ["zsh", "fish"])
    func otherShellsTakeTheirScript(name: String) throws {
        let program = "/usr/bin/" + name
        guard FileManager.default.fileExists(atPath: program) else { return }
        let scratch = try TemporaryDirectory()
        let script = scratch.path + "/script"
        try shell("'\(buildDirectory)/gosync' completion \(name) > '\(script)'")
        let outcome = try run(program, ["-n", script])
        #expect(outcome.status == 0)
        #expect(outcome.complaint == "")
        guard name == "fish" else { return }
        let asked = "source \(script); complete -C 'gosync tag ex'"
        let answer = try run(
            program,
            ["--no-config", "-c", asked],
            environment: ["PATH": buildDirectory + ":/usr/bin:/bin", "HOME": scratch.path]
        )
        #expect(answer.output.hasPrefix("export\tPrints the tags"))
    }
}
