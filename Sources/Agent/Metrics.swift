public import Base

/// Numbers for a monitoring system, in the text format of Prometheus, version 0.0.4.
public struct Metrics: Sendable {
    public enum Kind: String, Sendable { case counter, gauge, histogram }

    public typealias Labels = KeyValuePairs<String, String>

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    public private(set) var text = ""

    public init() {}

    /// Begins a family; what is added next belongs to it.
    ///
    /// A counter's name ends in `_total`, a unit's with the unit.
    public mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    public mutating func add(_ name: String, _ labels: Labels, _ value: Int) {
        text += "\(name)\(Self.written(labels)) \(value)\n"
    }

    public mutating func add(_ name: String, _ labels: Labels, _ value: Double) {
        text += "\(name)\(Self.written(labels)) \(value)\n"
    }

    public mutating func add(
        _ name: String,
        _ label: (name: String, value: String),
        _ taken: Histogram.Snapshot
    ) {
        var sum = 0
        let bounds = Histogram.bounds.map { "\($0)" } + ["+Inf"]
        for (bound, count) in zip(bounds, taken.counts) {
            sum += count
            add("\(name)_bucket", [label.name: label.value, "le": bound], sum)
        }
        add("\(name)_sum", [label.name: label.value], taken.sumSeconds)
        add("\(name)_count", [label.name: label.value], sum)
    }

    /// A family of one number.
    public mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        begin(name, kind, help)
        add(name, [:], value)
    }

    private static func written(_ labels: Labels) -> String {
        guard !labels.isEmpty else { return "" }
        let items = labels.map { "\($0.key)=\"\(escaped($0.value))\"" }
        return "{\(items.joined(separator: ","))}"
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
