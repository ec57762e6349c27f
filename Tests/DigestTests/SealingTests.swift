import Digest
import Testing

/// What is sealed opens for its owner under its key, and for nobody else.
struct SealingTests {
    private let key = randomBytes(Sealing.keyBytes)

    @Test(arguments: [0, 1, 15, 16, 17, 1000])
    func whatIsSealedOpens(count: Int) {
        let bytes = randomBytes(count)
        let sealed = Sealing.seal(bytes, key: key, owner: "a")
        #expect(Sealing.open(sealed, key: key, owner: "a") == bytes)
        #expect(Sealing.seal(bytes, key: key, owner: "a") != sealed)
    }

    @Test func anotherKeyOrOwnerOpensNothing() {
        let sealed = Sealing.seal([1, 2, 3], key: key, owner: "a")
        #expect(Sealing.open(sealed, key: randomBytes(32), owner: "a") == nil)
        #expect(Sealing.open(sealed, key: key, owner: "b") == nil)
        #expect(Sealing.open(sealed, key: key, owner: "") == nil)
        #expect(Sealing.open([], key: key, owner: "a") == nil)
    }

    @Test func aChangeOfAnyByteIsNoticed() {
        let sealed = Sealing.seal(Array("secret".utf8), key: key, owner: "a")
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(Sealing.open(changed, key: key, owner: "a") == nil, "\(index)")
            #expect(Sealing.open(Array(sealed[..<index]), key: key, owner: "a") == nil)
        }
    }

    /// RFC 7914, section 12.
    @Test func scryptIsThatOfTheStandard() throws {
        let way = try #require(KeyDerivation("scrypt:10:8:16"))
        let key = try #require(way.key(from: Array("password".utf8), salt: Array("NaCl".utf8)))
        #expect(hex(key) == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162")
    }

    @Test func theBestWayIsReadAgainAsItWasWritten() throws {
        let best = KeyDerivation.best
        #expect(KeyDerivation(best.text) == best)
        let key = try #require(best.key(from: [1], salt: [2, 3, 4, 5, 6, 7, 8, 9]))
        #expect(key.count == Sealing.keyBytes)
        #expect(best.key(from: [2], salt: [2, 3, 4, 5, 6, 7, 8, 9]) != key)
    }

    @Test(arguments: [
        "", "scrypt", "scrypt:1:2", "scrypt:40:8:1", "md5:1:1:1", "scrypt:a:8:1", "scrypt:0:8:1",
    ])
    func anUnknownWayIsNone(text: String) {
        #expect(KeyDerivation(text) == nil)
    }

    /// A damaged database must not make anybody wait or run out of memory.
    @Test func aWayThatTakesTooMuchIsRefused() {
        #expect(KeyDerivation("scrypt:30:8:1")?.key(from: [1], salt: [2]) == nil)
        #expect(KeyDerivation("argon2id:4000000000:3:1")?.key(from: [1], salt: [2]) == nil)
    }
}
