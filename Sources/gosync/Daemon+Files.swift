import Base
import Glibc
import HTTP
import Wire

extension Daemon {
    func details(_ path: String) throws -> FileDetails { try get(.file, Self.items(path)) }

    /// The entries of a directory, all pages of them, by name; of a file, the file.
    func entries(of path: String) throws -> [Entry] {
        var all: [Entry] = []
        var next: String?
        repeat {
            var items = Self.items(path)
            items["after"] = next
            items["limit"] = String(Endpoint.largestPage)
            let page: Listing = try get(.list, items)
            all += page.entries
            next = page.next
        } while next != nil
        return all.sorted { Name($0.name) < Name($1.name) }
    }

    /// Hands the bytes of a file to `sink` as they come.
    func read(_ path: String, _ sink: (RawSpan) throws(Errno) -> Void) throws {
        let target = Endpoint.content.rawValue + Self.items(path).encoded
        let request = HTTPRequest("GET", "http://localhost\(target)", limits: Self.patient)
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try client.send(
                request,
                use: { $0.status < 400 ? .stream : .collect },
                sink: sink
            )
        } catch {
            switch error {
            case .aborted(let errno): throw errno
            case .broken:
                let why = "the file has changed, or its backend cannot be reached now"
                throw Failure(.failed, "\(path): the bytes broke off: \(why)")
            default: throw failure(error)
            }
        }
        try check(response)
    }

    /// Makes a new version of a file from a local one; the old version stays if it is not all sent.
    func write(_ path: String, _ items: QueryItems, from file: borrowing FileDescriptor) throws {
        let size = try file.status().sizeBytes
        let number = file.rawValue
        let body = HTTPBody.stream(size: size) { (output, offset) throws(Errno) in
            try Base.read(number, into: &output, at: offset)
        }
        try put(path, items, body)
    }

    /// Makes a new version of a file whose bytes the daemon finds itself, or that has none.
    func write(_ path: String, _ items: QueryItems) throws { try put(path, items, .bytes([])) }

    private func put(_ path: String, _ items: QueryItems, _ body: HTTPBody) throws {
        var items = items
        items["path"] = path
        let target = "http://localhost\(Endpoint.content.rawValue)\(items.encoded)"
        let request = HTTPRequest("PUT", target, body: body, limits: Self.patient)
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try client.send(request)
        } catch {
            if case .aborted(let errno) = error { throw errno }
            throw failure(error)
        }
        let _: FileDetails = try message(in: response)
    }

    func remove(_ path: String) throws {
        let _: FileDetails = try delete(.file, Self.items(path))
    }

    func move(_ path: String, to new: String) throws {
        let _: FileDetails = try patch(.file, Self.items(path), FileChange(path: new))
    }

    func makeDirectory(_ path: String, withParents: Bool = false) throws {
        let new = NewDirectory(path: path, parents: withParents ? true : nil)
        let _: FileDetails = try post(.directory, new)
    }

    static func items(_ path: String) -> QueryItems {
        var items = QueryItems()
        items["path"] = path
        return items
    }

    /// What takes its time is a store, and the daemon has deadlines for those.
    private static let patient = HTTPLimits(connectSeconds: 5, stallSeconds: 24 * 3600)
}
