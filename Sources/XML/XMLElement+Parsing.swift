import Base
import CExpat

extension XMLElement {
    /// Reads a whole document, and returns its root.
    public init(
        parsing bytes: [UInt8],
        limits: XMLLimits = XMLLimits()
    ) throws(XMLError) {
        guard bytes.count <= limits.bytes else { throw .tooLarge }
        let parser = Parser(limits)
        self = try parser.parse(bytes)
    }
}

/// Builds the tree while expat calls back, all on one thread.
private final class Parser {
    private let parser: XML_Parser
    private let limits: XMLLimits
    /// The elements that are open, outermost first; the first one is no element, but holds the root.
    private var open = [XMLElement("")]
    private var count = 0
    private var failure: XMLError?

    init(_ limits: XMLLimits) {
        guard let parser = XML_ParserCreate(nil) else { fatalError("expat: out of memory") }
        self.parser = parser
        self.limits = limits
    }

    deinit { XML_ParserFree(parser) }

    func parse(_ bytes: [UInt8]) throws(XMLError) -> XMLElement {
        XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        XML_SetElementHandler(parser, elementStarted, elementEnded)
        XML_SetCharacterDataHandler(parser, textFound)
        XML_SetStartDoctypeDeclHandler(parser, documentTypeFound)
        let status = bytes.withUnsafeBytes { buffer in
            let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            return XML_Parse(parser, start, CInt(buffer.count), 1)
        }
        if let failure { throw failure }
        guard status == XML_STATUS_OK, let root = open[0].children.first else {
            let reason = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) }
            throw .malformed(
                "\(reason ?? "no element") in line \(XML_GetCurrentLineNumber(parser))"
            )
        }
        return root
    }

    func start(_ name: String) {
        count += 1
        guard open.count <= limits.depth, count <= limits.elements else { return fail(.tooLarge) }
        let local = name.utf8.lastIndex(of: UInt8(ascii: ":")).map {
            String(decoding: name.utf8[$0...].dropFirst(), as: UTF8.self)
        }
        open.append(XMLElement(local ?? name))
    }

    func end() {
        // expat may still report the end of the element it was stopped in.
        guard failure == nil, let element = open.popLast() else { return }
        open[open.count - 1].children.append(element)
    }

    func append(_ text: UnsafeBufferPointer<UInt8>) {
        open[open.count - 1].text += String(decoding: text, as: UTF8.self)
    }

    func fail(_ error: XMLError) {
        failure = error
        XML_StopParser(parser, 0)
    }
}

private func reader(_ context: UnsafeMutableRawPointer?) -> Parser {
    Unmanaged<Parser>.fromOpaque(context!).takeUnretainedValue()
}

private let elementStarted: XML_StartElementHandler = { context, name, _ in
    reader(context).start(String(cString: name!))
}

private let elementEnded: XML_EndElementHandler = { context, _ in reader(context).end() }

private let textFound: XML_CharacterDataHandler = { context, text, count in
    text!.withMemoryRebound(to: UInt8.self, capacity: Int(count)) {
        reader(context).append(UnsafeBufferPointer(start: $0, count: Int(count)))
    }
}

private let documentTypeFound: XML_StartDoctypeDeclHandler = { context, _, _, _, _ in
    reader(context).fail(.documentType)
}
