import Foundation

/// `docs/openapi.yaml`, as far as it goes: maps, lists and plain text, each by its indentation.
indirect enum YAML: Equatable {
    case text(String)
    case list([YAML])
    case map([String: YAML])

    struct Mistake: Error, CustomStringConvertible {
        let description: String
    }

    subscript(path: String...) -> YAML? {
        var found: YAML? = self
        for name in path {
            guard case .map(let map) = found else { return nil }
            found = map[name]
        }
        return found
    }

    var keys: [String] {
        guard case .map(let map) = self else { return [] }
        return map.keys.sorted()
    }

    var items: [YAML] {
        guard case .list(let items) = self else { return [] }
        return items
    }

    var string: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    init(_ text: String) throws {
        var lines = text.components(separatedBy: "\n").filter { line in
            let body = line.drop { $0 == " " }
            return !body.isEmpty && !body.hasPrefix("#")
        }.map { line in
            (line.prefix { $0 == " " }.count, String(line.drop { $0 == " " }))
        }[...]
        self = try Self.block(&lines, indentation: 0)
        guard lines.isEmpty else { throw Mistake(description: "left over: \(lines.first!.1)") }
    }

    private typealias Lines = ArraySlice<(Int, String)>

    private static func block(_ lines: inout Lines, indentation: Int) throws -> YAML {
        if lines.first?.1.hasPrefix("- ") == true {
            var items: [YAML] = []
            while let (depth, text) = lines.first, depth == indentation, text.hasPrefix("- ") {
                // What follows the dash is a block of its own, two further in.
                lines[lines.startIndex] = (depth + 2, String(text.dropFirst(2)))
                items.append(try element(&lines, indentation: depth + 2))
            }
            return .list(items)
        }
        var map: [String: YAML] = [:]
        while let (depth, text) = lines.first, depth == indentation, !text.hasPrefix("- ") {
            guard let colon = text.firstRange(of: ":") else {
                throw Mistake(description: "no key: \(text)")
            }
            let key = scalar(String(text[..<colon.lowerBound])).string ?? ""
            let value = text[colon.upperBound...].trimmingCharacters(in: .whitespaces)
            lines.removeFirst()
            guard map[key] == nil else { throw Mistake(description: "\(key) twice") }
            if value == "|-" {
                while let (depth, _) = lines.first, depth > indentation { lines.removeFirst() }
                map[key] = .text("")
            } else if !value.isEmpty {
                map[key] = scalar(value)
            } else if let (depth, _) = lines.first, depth > indentation {
                map[key] = try block(&lines, indentation: depth)
            } else {
                throw Mistake(description: "\(key) has no value")
            }
        }
        return .map(map)
    }

    private static func element(_ lines: inout Lines, indentation: Int) throws -> YAML {
        let isMap = lines.first?.1.contains(/^[$\w]+:( |$)/) ?? false
        if isMap { return try block(&lines, indentation: indentation) }
        return scalar(lines.removeFirst().1)
    }

    private static func scalar(_ text: String) -> YAML {
        if text == "{}" { return .map([:]) }
        if text.hasPrefix("["), text.hasSuffix("]") {
            let items = text.dropFirst().dropLast().split(separator: ",").map { item in
                scalar(item.trimmingCharacters(in: .whitespaces))
            }
            return .list(items)
        }
        if text.count > 1, text.hasPrefix("\""), text.hasSuffix("\"") {
            return .text(String(text.dropFirst().dropLast()))
        }
        return .text(text)
    }
}

/// What the description promises of a value.
struct Schemas {
    let document: YAML

    /// Returns what of a value is not as its schema says.
    func mistakes(_ value: Any, _ schema: YAML, at place: String = "") -> [String] {
        if let reference = schema["$ref"]?.string {
            guard let target = resolve(reference) else { return ["\(reference) is nowhere"] }
            return mistakes(value, target, at: place)
        }
        if let allowed = schema["enum"]?.items.compactMap(\.string) {
            return allowed.contains("\(value)") ? [] : ["\(place) is \(value), not of \(allowed)"]
        }
        switch schema["type"]?.string {
        case "object":
            guard let object = value as? [String: Any] else { return ["\(place) is no object"] }
            let properties = schema["properties"]?.keys ?? []
            let missing = (schema["required"]?.items ?? []).compactMap(\.string)
                .filter { object[$0] == nil }.map { "\(place).\($0) is missing" }
            let unknown = object.keys.filter { !properties.contains($0) }
                .map { "\(place).\($0) is not in docs/openapi.yaml: add it to its schema" }
            let inner = object.flatMap { name, value in
                schema["properties", name].map { mistakes(value, $0, at: "\(place).\(name)") } ?? []
            }
            return missing + unknown + inner
        case "array":
            guard let list = value as? [Any], let items = schema["items"] else {
                return ["\(place) is no list"]
            }
            return list.flatMap { mistakes($0, items, at: place + "[]") }
        case "string": return value is String ? [] : ["\(place) is no text: \(value)"]
        case "integer":
            let number = (value as? NSNumber)?.doubleValue
            return number.map { $0 == $0.rounded() } == true ? [] : ["\(place) is no whole number"]
        case "number": return value is NSNumber ? [] : ["\(place) is no number"]
        case "boolean": return value is Bool ? [] : ["\(place) is neither true nor false"]
        default: return ["\(place) has no type in its schema"]
        }
    }

    func resolve(_ reference: String) -> YAML? {
        var found: YAML? = document
        for name in reference.dropFirst(2).split(separator: "/") { found = found?[String(name)] }
        return found
    }
}
