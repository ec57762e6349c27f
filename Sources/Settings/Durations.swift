/// Spans of time as people write them.
public enum Durations {
    /// What `500ms`, `60s`, `5m`, `2h` or `7d` stands for; `nil` if it is none of these.
    public static func seconds(_ text: String) -> Double? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = String(text.dropFirst(digits.count).drop { $0 == " " })
        guard let number = Int64(digits), let factor = units[unit] else { return nil }
        return Double(number) * factor
    }

    private static let units: [String: Double] = [
        "ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800,
    ]
}
