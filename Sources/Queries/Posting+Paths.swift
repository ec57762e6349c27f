/// Where to look for the files that a test of paths may hold of.
private struct Place {
    /// The names of the directories that lead there, none for the top.
    var names: [String]
    /// Whether the names are in folded case, and mean directories in any.
    var isFolded = false
    /// Whether files lie anywhere below, not just in there.
    var isDeep = false
    /// Whether all files there are meant, or each has to be asked.
    var isExact = false
}

extension Postings {
    /// The files of which a test of their path or directory may hold, if it names a place to begin at and
    /// few are there.
    func posting(
        _ leaf: Leaf,
        path field: Field,
        _ test: Test,
        sorting most: Int64
    ) -> Posting? {
        guard let place = Place(field, test),
            let directories = catalogue.directories(at: place.names, isFolded: place.isFolded)
        else { return nil }
        var whole = Posting.nothing
        for directory in directories {
            let part = place.isDeep ? below(directory, most) : children(of: directory, most)
            guard let part,
                let union = whole.union(part)
            else { return nil }
            whole = union
        }
        guard !place.isExact else { return whole }
        for index in whole.arms.indices {
            let subject = whole.arms[index].subject
            let condition = Probe(present: present).condition(.leaf(leaf, true), subject)
            whole.arms[index].conditions.append(condition)
        }
        return whole
    }

    private func children(of directory: Int64, _ most: Int64) -> Posting? {
        let source: SQL = "entry e WHERE e.parent = \(directory)"
        return sorted(most, "SELECT e.file AS id FROM \(source)", counted: source)
    }

    private func below(_ directory: Int64, _ most: Int64) -> Posting? {
        let files: SQL = """
            WITH RECURSIVE below(id) AS (SELECT \(directory) UNION ALL \
            SELECT e.file FROM below b CROSS JOIN entry e ON e.parent = b.id) SELECT id FROM below
            """
        return sorted(most, files, counted: "(\(files))")
    }
}

extension Place {
    fileprivate init?(_ field: Field, _ test: Test) {
        let isDirectory = field == .dir
        switch test {
        case .compare(.equal, .text(let text)):
            guard let names = Self.names(text, ofDirectory: isDirectory) else { return nil }
            self.init(names: names, isExact: isDirectory)
        case .folded(let text):
            guard let names = Self.names(text.caseFolded, ofDirectory: isDirectory) else {
                return nil
            }
            self.init(names: names, isFolded: true)
        case .under(let text):
            guard let names = Self.names(text, ofDirectory: true) else { return nil }
            self.init(names: names, isDeep: true, isExact: !isDirectory)
        default:
            guard let pattern = test.foldedPattern, let names = Self.names(before: pattern) else {
                return nil
            }
            self.init(names: names, isFolded: true, isDeep: true)
        }
    }

    private static let slash = UInt8(ascii: "/")

    /// The names in the path of a directory, or of the one that a file lies in; `nil` where it is none.
    private static func names(_ path: String, ofDirectory isDirectory: Bool) -> [String]? {
        // By bytes: a character may reach over the slash before it.
        var parts = path.utf8.split(separator: slash, omittingEmptySubsequences: false)
        guard parts.count > 1, parts.removeFirst().isEmpty else { return nil }
        if !isDirectory {
            parts.removeLast()
        } else if parts.count == 1, parts[0].isEmpty {
            return []
        }
        guard parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The names of the directories that a pattern gives in plain letters.
    private static func names(before pattern: String) -> [String]? {
        let plain = pattern.utf8.prefix { !"*?[\\".utf8.contains($0) }
        return names(String(decoding: plain, as: UTF8.self), ofDirectory: false)
    }
}
