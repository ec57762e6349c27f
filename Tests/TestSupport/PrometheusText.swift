import Foundation

/// What a page of metrics says, read as strictly as Prometheus and `promtool check metrics` do together.
public struct PrometheusText {
    public struct Mistake: Error, CustomStringConvertible {
        public let description: String
    }

    private struct Family {
        var kind: String
        var samples: [(name: String, labels: [String: String], value: Double)] = []
    }

    private var families: [String: Family] = [:]

    public init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Mistake(description: "no line break at the end") }
        var current = ""
        var helped: Set<String> = []
        for line in text.dropLast().components(separatedBy: "\n") {
            let words = line.components(separatedBy: " ")
            if line.hasPrefix("# HELP ") {
                guard words.count > 3, helped.insert(words[2]).inserted else {
                    throw Mistake(description: "help is empty, or given twice: \(line)")
                }
                current = words[2]
            } else if line.hasPrefix("# TYPE ") {
                guard words.count == 4, words[2] == current, families[current] == nil,
                    ["counter", "gauge", "histogram"].contains(words[3])
                else { throw Mistake(description: "a wrong type: \(line)") }
                families[current] = Family(kind: words[3])
            } else {
                try take(line, of: current)
            }
        }
        for (name, family) in families { try check(name, family) }
    }

    /// The sum of all samples of a name that have these labels; `nil` if there are none.
    public func sum(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let values = families.values.flatMap(\.samples).filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }.map(\.value)
        return values.isEmpty ? nil : values.reduce(0, +)
    }

    private mutating func take(_ line: String, of family: String) throws {
        let form = /([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/
        guard let match = line.wholeMatch(of: form), let value = Double(match.3) else {
            throw Mistake(description: "no sample: \(line)")
        }
        let name = String(match.1)
        let isHistogram = families[family]?.kind == "histogram"
        let names = isHistogram ? ["_bucket", "_sum", "_count"].map { family + $0 } : [family]
        guard names.contains(name) else {
            throw Mistake(description: "a sample in the family of another: \(line)")
        }
        var labels: [String: String] = [:]
        var rest = String(match.2 ?? "")[...]
        while !rest.isEmpty {
            let item = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/
            guard let found = rest.prefixMatch(of: item), labels[String(found.1)] == nil else {
                throw Mistake(description: "wrong labels: \(line)")
            }
            labels[String(found.1)] = String(found.2)
            rest = rest[found.range.upperBound...]
        }
        let isKnown = families[family]?.samples.contains {
            $0.name == name && $0.labels == labels
        }
        guard isKnown == false else { throw Mistake(description: "a sample twice: \(line)") }
        families[family]?.samples.append((name, labels, value))
    }

    private func check(_ name: String, _ family: Family) throws {
        let isCounter = family.kind == "counter"
        guard isCounter == name.hasSuffix("_total") else {
            throw Mistake(description: "\(name): counters, and only they, end in _total")
        }
        if family.kind != "gauge", family.samples.contains(where: { $0.value < 0 }) {
            throw Mistake(description: "\(name): a count below 0")
        }
        guard family.kind == "histogram" else { return }
        let buckets = family.samples.filter { $0.name.hasSuffix("_bucket") }
        let groups = Dictionary(grouping: buckets) { sample in
            sample.labels.filter { $0.key != "le" }
        }
        for (labels, buckets) in groups {
            let bounds = buckets.map { $0.labels["le"].flatMap { Double($0) } ?? .nan }
            let counts = buckets.map(\.value)
            let total = family.samples.first { $0.name.hasSuffix("_count") && $0.labels == labels }
            let hasSum = family.samples.contains {
                $0.name.hasSuffix("_sum") && $0.labels == labels
            }
            guard bounds == bounds.sorted(), bounds.last == .infinity, counts == counts.sorted(),
                counts.last == total?.value, hasSum
            else { throw Mistake(description: "\(name): no histogram: \(labels)") }
        }
    }
}
