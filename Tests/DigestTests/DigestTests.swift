import Digest
import TestSupport
import Testing

@Suite struct DigestTests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func sha256AgreesWithItsStandard(text: String, expected: String) {
        #expect(hex(sha256(text)) == expected)
        #expect(hex(sha256(Array(text.utf8))) == expected)
    }

    @Test func md5AgreesWithItsStandard() {
        #expect(hex(md5([])) == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(hex(md5(Array("message digest".utf8))) == "f96b697d7cb7938d525a2f31aaf161d0")
    }

    /// RFC 4231, test cases 1 and 2.
    @Test func hmacAgreesWithItsStandard() {
        #expect(
            hex(hmacSHA256(key: [UInt8](repeating: 0x0b, count: 20), "Hi There"))
                == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        )
        #expect(
            hex(hmacSHA256(key: Array("Jefe".utf8), "what do ya want for nothing?"))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        )
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func piecesHashLikeTheWhole(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<Int.random(in: 0...5000, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        var digest = MessageDigest(.sha256)
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(Int.random(in: 1...700, using: &random)))
            digest.update(piece.span.bytes)
            rest = rest.dropFirst(piece.count)
        }
        #expect(digest.finish() == sha256(bytes))
        #expect(decodedBase64(base64(bytes)) == bytes)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func base64AgreesWithItsStandard(text: String, expected: String) {
        #expect(base64(Array(text.utf8)) == expected)
        #expect(decodedBase64(expected) == Array(text.utf8))
    }

    @Test(arguments: ["Zg=", "Z===", "Zg=g", "Z!==", "abcde"])
    func otherTextIsNoBase64(text: String) {
        #expect(decodedBase64(text) == nil)
    }
}
