import FoundationEssentials

/// Something that travels over the control socket as JSON.
///
/// Sizes are bytes, times are `Moment`s, paths are absolute in the file system that GoSync shows,
/// such as `/backends/selfhosted/a.txt`, whatever directory it is mounted on.
public protocol Message: Codable, Equatable, Sendable {}

/// What arrived is not the message that was expected.
public struct MessageError: Error, Equatable, Sendable {
    /// What is wrong, and where in the JSON.
    public let reason: String

    public init(reason: String) { self.reason = reason }
}

extension Message {
    /// The bytes of the message; `isPretty` is for people, with lines and indentation.
    public func json(isPretty: Bool = false) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if isPretty { encoder.outputFormatting.insert(.prettyPrinted) }
        do {
            return Array(try encoder.encode(self))
        } catch {
            // A message holds text, whole numbers and lists of them, which all have a form in JSON.
            preconditionFailure("\(Self.self) has no JSON: \(error)")
        }
    }

    public init(json bytes: [UInt8]) throws(MessageError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw MessageError(reason: Self.reason(error))
        } catch {
            throw MessageError(reason: "it is not JSON")
        }
    }

    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            return "'\(key.stringValue)' is missing" + place(context.codingPath)
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "there is a value of the wrong type" + place(context.codingPath)
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "there is a value that cannot be" + place(context.codingPath)
        default: return "it is not JSON"
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        if path.isEmpty { return "" }
        return " at "
            + path.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            .joined(separator: ".")
    }
}
