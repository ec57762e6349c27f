public import Base
import Synchronization

/// Listings of one directory under way: its names, sorted once and handed out in pages.
struct LocalListings {
    private var names: [Int: [String]] = [:]
    private var next = 0

    /// Listings remembered at once; one that is forgotten is read again.
    private static let limit = 16

    mutating func keep(_ rest: [String]) -> Int {
        next += 1
        names[next] = rest
        if names.count > Self.limit, let oldest = names.keys.min() { names[oldest] = nil }
        return next
    }

    mutating func take(_ number: Int) -> [String]? { names.removeValue(forKey: number) }
}

extension LocalStore {
    private static let pageLimit = 1000

    public func list(
        prefix: Key,
        delimited: Bool,
        after position: ListPosition?
    ) throws(StoreError) -> ListPage {
        let cut = prefix.text.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = cut.map { String(prefix.text[..<$0]) } ?? ""
        // A prefix that is no path here has nothing below it.
        if !folder.isEmpty, (try? LocalPlace(Key(folder))) == nil {
            return ListPage(objects: [], prefixes: [], next: nil)
        }
        return delimited
            ? try listLevel(folder, prefix: prefix, after: position)
            : try listTree(folder, prefix: prefix, after: position)
    }

    /// One level: a token is the number of a remembered listing and the last key handed out.
    private func listLevel(
        _ folder: String,
        prefix: Key,
        after position: ListPosition?
    ) throws(StoreError) -> ListPage {
        var page = ListPage(objects: [], prefixes: [], next: nil)
        let (number, last) = Self.parts(of: position)
        let known: [String]? = number.flatMap { number in listings.withLock { $0.take(number) } }
        let start = folder.isEmpty ? "" : folder + "/"
        if position == nil, !folder.isEmpty, let own = try? head(Key(start)), prefix.text == start {
            page.objects.append(own)
        }
        let names: [String]
        do throws(StoreError) {
            if let known { names = known } else { names = try sortedNames(folder) }
        } catch {
            guard error == .missing else { throw error }
            return page
        }
        try inStore { () throws(Errno) in
            let directory = try root.directory(folder)
            for (index, name) in names.enumerated() {
                let key = Key(start + name)
                guard key.text.startsExactly(with: prefix.text), last.map({ $0 < key }) ?? true
                else { continue }
                if page.objects.count + page.prefixes.count >= Self.pageLimit {
                    let kept = listings.withLock { $0.keep(Array(names[index...])) }
                    let newest = names[index - 1]
                    return page.next = .token("\(kept):\(start)\(newest)")
                }
                if name.hasSuffix("/") {
                    page.prefixes.append(key)
                } else if let status = try? directory.status(of: name) {
                    page.objects.append(ObjectInfo(key, status))
                }
            }
        }
        return page
    }

    private static func parts(of position: ListPosition?) -> (number: Int?, last: Key?) {
        switch position {
        case nil: return (nil, nil)
        case .key(let key): return (nil, key)
        case .token(let token):
            guard let colon = token.firstIndex(of: ":") else { return (nil, nil) }
            return (Int(token[..<colon]), Key(String(token[token.index(after: colon)...])))
        }
    }

    /// The whole tree in byte order of the keys; the next page is behind the last key handed out.
    private func listTree(
        _ folder: String,
        prefix: Key,
        after position: ListPosition?
    ) throws(StoreError) -> ListPage {
        var page = ListPage(objects: [], prefixes: [], next: nil)
        try walk(folder, prefix: prefix, after: Self.parts(of: position).last ?? "", into: &page)
        if page.objects.count > Self.pageLimit {
            page.objects.removeLast()
            page.next = page.objects.last.map { .key($0.key) }
        }
        return page
    }

    private func walk(
        _ folder: String,
        prefix: Key,
        after last: Key,
        into page: inout ListPage
    ) throws(StoreError) {
        let start = folder.isEmpty ? "" : folder + "/"
        let names: [String]
        do throws(StoreError) {
            names = try sortedNames(folder)
        } catch {
            guard error == .missing else { throw error }
            return
        }
        for name in names where page.objects.count <= Self.pageLimit {
            let key = Key(start + name)
            let isOnTheWay =
                key.text.startsExactly(with: prefix.text)
                || prefix.text.startsExactly(with: key.text)
            guard isOnTheWay, last < key || last.text.startsExactly(with: key.text) else {
                continue
            }
            if last < key, key.text.startsExactly(with: prefix.text), let info = try? head(key) {
                page.objects.append(info)
            }
            if name.hasSuffix("/") {
                try walk(String(key.text.dropLast()), prefix: prefix, after: last, into: &page)
            }
        }
    }

    /// The names of a directory in the order of their keys, directories with a `/` behind.
    private func sortedNames(_ folder: String) throws(StoreError) -> [String] {
        try inStore { () throws(Errno) in
            let directory = try root.directory(folder)
            let (names, unreadable) = try directory.names()
            if unreadable > 0 {
                Log.warning("\(path)/\(folder): \(unreadable) names are no UTF-8 and are not shown")
            }
            var keys: [Name] = []
            keys.reserveCapacity(names.count)
            for name in names {
                guard let status = try? directory.status(of: name) else { continue }
                if name.hasPrefix(Self.temporaryPrefix) {
                    let age = Timestamp.now().secondsSince(status.changed)
                    if age > Self.temporarySeconds || Self.isAbandoned(name) {
                        try? directory.remove(name)
                    }
                } else {
                    keys.append(Name(status.isDirectory ? name + "/" : name))
                }
            }
            return keys.sorted().map(\.text)
        }
    }
}
