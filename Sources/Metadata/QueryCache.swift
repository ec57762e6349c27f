import Base
import Queries
import Synchronization

/// Queries that were read before, for every thread: a view is asked thousands of times for one text.
///
/// A tree depends on nothing but its text, so nothing here ever goes stale.
final class QueryCache: Sendable {
    static let shared = QueryCache()

    /// Beyond this many it starts anew.
    private static let capacity = 4096

    private let queries = Mutex<[Text: FilterQuery]>([:])

    private struct Text: ExactText {
        let text: String

        init(_ text: String) { self.text = text }
    }

    func query(_ text: String) throws(QueryError) -> FilterQuery {
        if let known = queries.withLock({ $0[Text(text)] }) { return known }
        let query = try FilterQuery(text)
        queries.withLock {
            if $0.count >= Self.capacity { $0 = [:] }
            $0[Text(text)] = query
        }
        return query
    }
}
