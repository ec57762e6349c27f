import Base
import Stores

/// A page of a listing sorted by directory, as each of them would have been listed alone.
struct ListedLevels {
    struct Level {
        /// Of the keys in it; ends in `/`, or is empty.
        var prefix: Key
        /// The directory's own object.
        var marker: ObjectInfo?
        var objects: [(component: String, info: ObjectInfo)] = []
        var folders: [String] = []
    }

    /// Every directory before those in it.
    private(set) var all: [Level]
    private var places: [Key: Int]
    private let topBytes: Int

    init(_ page: ListPage, below top: Key) {
        all = [Level(prefix: top)]
        places = [top: 0]
        topBytes = top.text.utf8.count
        var last = (prefix: top, place: 0)
        for object in page.objects {
            let (prefix, component) = split(object.key.text.utf8[...])
            if prefix != last.prefix { last = (prefix, place(of: prefix)) }
            if component.isEmpty {
                all[last.place].marker = object
            } else {
                all[last.place].objects.append((component, object))
            }
        }
        for folder in page.prefixes {
            let (prefix, component) = split(folder.text.utf8.dropLast())
            all[place(of: prefix)].folders.append(component)
        }
    }

    /// The level of a prefix, made with all above it.
    private mutating func place(of prefix: Key) -> Int {
        if let known = places[prefix] { return known }
        let (above, component) = split(prefix.text.utf8.dropLast())
        let parent = place(of: above)
        all[parent].folders.append(component)
        all.append(Level(prefix: prefix))
        places[prefix] = all.count - 1
        return all.count - 1
    }

    /// What of a key is the directory's and what the name's, by bytes: a character may reach over the
    /// slash.
    private func split(_ bytes: Substring.UTF8View) -> (prefix: Key, component: String) {
        guard let slash = bytes.dropFirst(topBytes).lastIndex(of: UInt8(ascii: "/")) else {
            return (
                Key(String(decoding: bytes.prefix(topBytes), as: UTF8.self)),
                String(decoding: bytes.dropFirst(topBytes), as: UTF8.self)
            )
        }
        let end = bytes.index(after: slash)
        return (
            Key(String(decoding: bytes[..<end], as: UTF8.self)),
            String(decoding: bytes[end...], as: UTF8.self)
        )
    }
}
