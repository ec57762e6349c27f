import Base
import Glibc

/// The person at the other end of standard input.
enum Terminal {
    /// Whether the answer to a question is yes.
    ///
    /// - Parameter option: what says yes in place of a person, where there is none.
    static func confirm(
        _ question: String,
        _ invocation: Invocation,
        or option: String
    ) throws(Failure) -> Bool {
        guard isatty(0) == 1 else {
            throw invocation.misused("there is nobody to ask here; \(option) says that it is meant")
        }
        Output.prompt(question)
        let answer = readLine(strippingNewline: true)?.lowercased()
        return answer == "y" || answer == "yes"
    }

    /// A line that is not shown while it is typed.
    static func hiddenLine(_ prompt: String) -> String? {
        var shown = termios()
        guard tcgetattr(0, &shown) == 0 else { return nil }
        var hidden = shown
        hidden.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(0, TCSAFLUSH, &hidden)
        defer {
            tcsetattr(0, TCSAFLUSH, &shown)
            Output.prompt("\n")
        }
        Output.prompt(prompt)
        return readLine(strippingNewline: true)
    }

    static var isInteractive: Bool { isatty(0) == 1 }
}

/// Options that tell a secret: `--NAME`, `--NAME-file` and `--NAME-stdin`.
struct SecretInput {
    let name: String

    /// The most that is read of a file.
    private static let limitBytes = 64 << 10

    /// The secret; `nil` where nothing tells it.
    ///
    /// - Parameter prompt: asks whoever is at the terminal, if no option tells.
    func read(_ invocation: Invocation, asking prompt: String?) throws(Failure) -> String? {
        let given = ["", "-file", "-stdin"].filter { invocation.has(name + $0) }
        guard given.count <= 1 else {
            let list = given.map { "--\(name)\($0)" }.joined(separator: " and ")
            throw invocation.misused("\(list) tell the same: give one of them")
        }
        switch given.first {
        case "": return try visible(invocation)
        case "-file":
            let path = invocation.options[name + "-file"] ?? ""
            return try line(of: path, at: path)
        case "-stdin": return try line(of: "/dev/stdin", at: "standard input")
        default:
            guard let prompt else { return nil }
            guard Terminal.isInteractive else {
                let advice = "give --\(name)-file or --\(name)-stdin"
                throw invocation.misused("the secret is missing; \(advice)")
            }
            return Terminal.hiddenLine(prompt)
        }
    }

    private func visible(_ invocation: Invocation) throws(Failure) -> String? {
        let secret = invocation.options[name] ?? ""
        hideArgument(secret)
        let better = "--\(name)-file and --\(name)-stdin do not show it"
        Output.warning("others may have seen the secret on the command line; \(better)")
        return secret
    }

    private func line(of path: String, at place: String) throws(Failure) -> String {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try FileDescriptor(opening: path, flags: O_RDONLY)
                .contents(limitBytes: Self.limitBytes)
        } catch {
            throw Failure(.failed, "\(place): the secret cannot be read: \(error)")
        }
        let first = bytes.split(separator: UInt8(ascii: "\n")).first ?? []
        guard !first.isEmpty else { throw Failure(.failed, "\(place): there is no secret in it") }
        return String(decoding: first, as: UTF8.self)
    }
}
