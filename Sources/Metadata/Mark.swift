import Base
import Digest
import Queries

/// What tells files of one name apart in a flat view: ` [k3f9q2]` before the extension.
///
/// The six characters are the first 30 bits of SHA-256(backend NUL parent directory) in Crockford's
/// base 32, lower case. Where they don't suffice, six more follow, of SHA-256(backend NUL directory NUL
/// name). So a mark depends on nothing but where the file lies, and survives a rebuilt database.
struct Mark: Equatable {
    let short: String
    /// The backend, a zero byte and the directory.
    let place: String

    /// - Parameter directory: the path inside the backend, `/` at its top.
    init(backend: String, directory: String) {
        place = backend + "\0" + directory
        short = Self.sixCharacters(place)
    }

    /// The mark with its second half, which also depends on the name.
    func long(_ name: Name) -> String { short + Self.sixCharacters(place + "\0" + name.text) }

    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".unicodeScalars)

    private static func sixCharacters(_ text: String) -> String {
        let bits = sha256(text).prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        var characters = String.UnicodeScalarView()
        for shift in stride(from: 27, through: 2, by: -5) {
            characters.append(alphabet[Int(bits >> UInt32(shift)) & 31])
        }
        return String(characters)
    }

    /// A name with a mark; cut at the end of its front, between characters, where it would be too long.
    static func name(_ name: Name, with mark: String) -> Name {
        var (front, end) = FileName.parts(name.text)
        let inserted = " [" + mark + "]"
        let room = Name.longestBytes - inserted.utf8.count - end.utf8.count
        while front.utf8.count > room { front.removeLast() }
        return Name(front + inserted + end)
    }

    /// How a name begins with a short mark that it had to be cut for, or `nil` where it fits.
    static func cutFront(_ name: Name) -> Name? {
        let end = FileName.parts(name.text).end
        let marked = Self.name(name, with: "000000").text.utf8
        let inserted = " [000000]".utf8.count
        guard marked.count < name.text.utf8.count + inserted else { return nil }
        let front = marked.dropLast(end.utf8.count + inserted)
        return Name(String(decoding: front, as: UTF8.self))
    }

    /// The marked names that a name may be: the unmarked name, or how it begins where it was cut.
    static func readings(_ name: Name) -> [(base: Name, mark: String, isCut: Bool)] {
        guard name.text.utf8.contains(UInt8(ascii: "[")) else { return [] }
        let utf8 = Array(name.text.utf8)
        var readings: [(base: Name, mark: String, isCut: Bool)] = []
        for start in utf8.indices where utf8[start...].starts(with: " [".utf8) {
            for length in [6, 12] {
                let close = start + 2 + length
                guard close < utf8.count, utf8[close] == UInt8(ascii: "]") else { continue }
                let mark = utf8[(start + 2)..<close]
                guard mark.allSatisfy(isDigit) else { continue }
                let front = utf8[..<start]
                let end = utf8[(close + 1)...]
                guard end.isEmpty || end.first == UInt8(ascii: ".") else { continue }
                let text = String(decoding: mark, as: UTF8.self)
                let base = Name(String(decoding: front + end, as: UTF8.self))
                readings.append((base, text, false))
                if utf8.count > Name.longestBytes - longestCharacterBytes {
                    readings.append((Name(String(decoding: front, as: UTF8.self)), text, true))
                }
            }
        }
        return readings
    }

    /// A name that was cut is short of the limit by less than one character.
    private static let longestCharacterBytes = 64

    private static func isDigit(_ byte: UInt8) -> Bool {
        alphabet.contains(Unicode.Scalar(byte))
    }
}
