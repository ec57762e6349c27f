import Base

/// The value of one key, with variables filled in, and where it stands.
struct Value {
    let key: String
    let text: String
    let line: Int?
    /// The file; `nil` where it stands in none.
    let path: String?
    let home: String?

    func error(_ message: String) -> SettingsError {
        SettingsError(path: path, line: line, message: message)
    }

    /// Text of which there must be some.
    func word() throws(SettingsError) -> String {
        guard !text.isEmpty else { throw error("'\(key)' is empty") }
        return text
    }

    func yesOrNo() throws(SettingsError) -> Bool {
        switch text.lowercased() {
        case "yes", "true", "on", "1": return true
        case "no", "false", "off", "0": return false
        default: throw error("'\(key)' is yes or no, not '\(text)'")
        }
    }

    /// One of the cases of an enumeration.
    func choice<C: RawRepresentable<String> & CaseIterable>() throws(SettingsError) -> C {
        if let choice = C(rawValue: text) { return choice }
        let known = C.allCases.map(\.rawValue)
        let list = known.joined(separator: ", ")
        let hint = Spelling.suggestion(for: text, among: known)
        throw error("'\(key)' is one of \(list), not '\(text)'\(hint)")
    }

    /// An absolute path, without a `/` at its end; `~/` stands for the home directory.
    func filePath() throws(SettingsError) -> String {
        var full = try word()
        if full == "~" || full.hasPrefix("~/") {
            guard let home else { throw error("'\(key)' starts with ~, but $HOME is not set") }
            full = home + full.dropFirst()
        }
        guard full.hasPrefix("/") else {
            throw error("'\(key)' is an absolute path, or starts with ~/, not '\(text)'")
        }
        while full.count > 1, full.hasSuffix("/") { full.removeLast() }
        return full
    }

    /// A number of bytes, such as `10GiB` (1024³ each) or `5MB` (1000² each); `K` means `KiB`.
    func sizeBytes() throws(SettingsError) -> Int64 {
        let (number, unit) = numberAndUnit()
        guard let number, let factor = Self.sizeUnits[unit.lowercased()] else {
            throw error("'\(key)' is a size such as 10GiB, 5MB or 4096, not '\(text)'")
        }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow else { throw error("'\(key)' is too large: '\(text)'") }
        return bytes
    }

    /// A span of time, such as `500ms`, `60s`, `5m`, `2h` or `7d`.
    func durationSeconds() throws(SettingsError) -> Double {
        guard let seconds = Durations.seconds(text) else {
            throw error("'\(key)' is a time with its unit, such as 500ms, 60s or 7d, not '\(text)'")
        }
        return seconds
    }

    /// A number as `chown` takes it.
    func userNumber() throws(SettingsError) -> UInt32 {
        // The largest means "unchanged" to chown(2), so it is nobody's.
        guard let number = UInt32(text), number != .max else {
            throw error("'\(key)' is a number from 0 to \(UInt32.max - 1), not '\(text)'")
        }
        return number
    }

    /// Permission bits in octal.
    func permissions() throws(SettingsError) -> UInt32 {
        guard let bits = UInt32(text, radix: 8), bits <= 0o777 else {
            throw error("'\(key)' is an octal number from 000 to 777, not '\(text)'")
        }
        return bits
    }

    private func numberAndUnit() -> (number: Int64?, unit: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        return (Int64(digits), String(unit))
    }

    private static let sizeUnits: [String: Int64] = {
        var units: [String: Int64] = ["": 1, "b": 1]
        var (binary, decimal): (Int64, Int64) = (1, 1)
        for letter in ["k", "m", "g", "t", "p"] {
            binary *= 1024
            decimal *= 1000
            units[letter] = binary
            units[letter + "ib"] = binary
            units[letter + "b"] = decimal
        }
        return units
    }()
}
