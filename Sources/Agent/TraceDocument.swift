import Base
import Wire

/// Spans as a collector takes them: `ExportTraceServiceRequest` of OTLP, in the JSON form of protobuf.
///
/// Numbers of 64 bits are text there, and ids hexadecimal.
struct TraceDocument: Message {
    let resourceSpans: [ResourceSpans]

    struct ResourceSpans: Message {
        let resource: Resource
        let scopeSpans: [ScopeSpans]
    }

    struct Resource: Message {
        let attributes: [Attribute]
    }

    struct ScopeSpans: Message {
        let scope: Scope
        let spans: [Entry]
    }

    struct Scope: Message {
        let name: String
        let version: String
    }

    struct Attribute: Message {
        struct Value: Message {
            var stringValue: String?
            var intValue: String?
        }

        let key: String
        let value: Value
    }

    struct Status: Message {
        let code: Int
        let message: String
    }

    struct Entry: Message {
        let traceId: String
        let spanId: String
        let parentSpanId: String?
        let name: String
        let kind: Int
        let startTimeUnixNano: String
        let endTimeUnixNano: String
        let attributes: [Attribute]
        let status: Status?
    }

    private static let internalKind = 1
    private static let clientKind = 3
    private static let failed = 2

    init(_ spans: [Span]) {
        let about = [
            ("service.name", Span.Attribute.text("gosync")),
            ("service.version", .text(Release.version)), ("host.name", .text(hostName())),
        ]
        let scope = Scope(name: "gosync", version: Release.version)
        resourceSpans = [
            ResourceSpans(
                resource: Resource(attributes: about.map(Attribute.init)),
                scopeSpans: [ScopeSpans(scope: scope, spans: spans.map(Self.entry))]
            )
        ]
    }

    private static func entry(_ span: Span) -> Entry {
        Entry(
            traceId: hexadecimal(span.trace.high) + hexadecimal(span.trace.low),
            spanId: hexadecimal(span.id),
            parentSpanId: span.parent.map(hexadecimal),
            name: span.name,
            kind: span.isRequest ? clientKind : internalKind,
            startTimeUnixNano: "\(span.start.nanoseconds)",
            endTimeUnixNano: "\(max(span.start, span.end).nanoseconds)",
            attributes: span.attributes.map(Attribute.init),
            status: span.failure.map { Status(code: failed, message: $0) }
        )
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension TraceDocument.Attribute {
    fileprivate init(_ name: String, _ value: Span.Attribute) {
        key = name
        switch value {
        case .text(let text): self.value = Value(stringValue: text)
        case .number(let number): self.value = Value(intValue: "\(number)")
        }
    }
}
