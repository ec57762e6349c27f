import Queries
import Testing

struct FoldingTests {
    @Test(arguments: [
        ("STRASSE", "straße"), ("Straße", "STRAẞE"), ("ΟΔΟΣ", "οδος"), ("Ärger", "äRGER"),
        ("\u{212a}elvin", "kelvin"), ("Ǆ", "ǆ"), ("plain", "PLAIN"),
    ])
    func makesOneOfTwoCases(one: String, other: String) {
        #expect(one.caseFolded.utf8.elementsEqual(other.caseFolded.utf8))
    }

    @Test func keepsADotlessLetterApart() {
        #expect("ı".caseFolded != "i")
    }

    @Test func foldsTwiceAsOnce() {
        for value in UInt32(0)...0x1ffff {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let once = String(scalar).caseFolded
            #expect(once.caseFolded.utf8.elementsEqual(once.utf8), "U+\(String(value, radix: 16))")
        }
    }
}
