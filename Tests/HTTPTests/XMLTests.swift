import Testing
import XML

@Suite struct XMLTests {
    @Test func aDocumentBecomesATree() throws {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <List xmlns="http://example.com/"><a>1 &lt; 2</a><b><c>x</c><c>é&#10;</c></b><a/></List>
            """
        let root = try XMLElement(parsing: Array(text.utf8))
        #expect(root.name == "List")
        #expect(root.text(of: "a") == "1 < 2")
        #expect(root.all("a").count == 2)
        #expect(root.first("b")?.all("c").map(\.text) == ["x", "é\n"])
    }

    @Test func aPrefixIsNoPartOfAName() throws {
        #expect(
            try XMLElement(parsing: Array("<s:a xmlns:s='u'><s:b>1</s:b></s:a>".utf8)).first("b")
                != nil
        )
    }

    @Test(arguments: ["", "<a>", "<a></b>", "<a/><b/>", "text", "<a>\u{1}</a>", "{\"a\":1}"])
    func otherTextIsMalformed(text: String) {
        let error = #expect(throws: XMLError.self) { try XMLElement(parsing: Array(text.utf8)) }
        guard case .malformed = error else { return #expect(Bool(false), "\(error!)") }
    }

    @Test func aDocumentTypeIsRefused() {
        let laughs = "<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;&b;'>]><a>&c;</a>"
        #expect(throws: XMLError.documentType) { try XMLElement(parsing: Array(laughs.utf8)) }
    }

    @Test func limitsHold() {
        let deep = String(repeating: "<a>", count: 40) + String(repeating: "</a>", count: 40)
        let rich = "<a>" + String(repeating: "<b/>", count: 50) + "</a>"
        for text in [deep, rich] {
            #expect(throws: XMLError.tooLarge) {
                try XMLElement(
                    parsing: Array(text.utf8),
                    limits: XMLLimits(depth: 32, elements: 50)
                )
            }
        }
        #expect(throws: XMLError.tooLarge) {
            try XMLElement(parsing: Array(rich.utf8), limits: XMLLimits(bytes: 100))
        }
    }

    @Test func whatIsEscapedReadsBack() throws {
        let text = "a<b>&\"'\t\r\n é 🎈"
        let document = "<a>\(try #require(escapedXML(text)))</a>"
        let read = try XMLElement(parsing: Array(document.utf8)).text
        #expect(Array(read.utf8) == Array(text.utf8))
        #expect(escapedXML("\u{1}") == nil)
    }
}
