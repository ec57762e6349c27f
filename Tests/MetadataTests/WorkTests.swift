import Base
import Metadata
import SQLite
import Testing

struct WorkTests {
    /// What is due on one backend, however much, does not hide what is due on another; and hastening
    /// one leaves the other as it is.
    @Test func backendsHaveTheirWorkToThemselves() throws {
        let library = try Library()
        let now = Timestamp.now()
        let later = now.adding(seconds: 60)
        let (many, one) = try library.write { (rows) throws(MetadataError) in
            let entries = (0..<20).map { number in
                let backend: Int64 = number < 19 ? 1 : 2
                let entry = Entry(parent: 1, name: Name("f\(number)"), file: 0, backend: backend)
                return rows.insert(entry)
            }
            for entry in entries { rows.addWork(entry, due: now) }
            return (Set(entries.dropLast()), entries[19])
        }
        let (all, others, none) = try library.read { (rows) throws(MetadataError) in
            (
                rows.dueWork(at: now, besides: [], limit: 100).map(\.entry),
                rows.dueWork(at: now, besides: [1], limit: 1).map(\.entry),
                rows.dueWork(at: now, besides: [1, 2], limit: 100).count
            )
        }
        #expect(Set(all) == many.union([one]) && others == [one] && none == 0)
        try library.write { (rows) throws(MetadataError) in
            for entry in all { rows.failWork(entry, error: "gone", retryAt: later) }
            rows.hastenWork(.backend(2), at: now)
        }
        let due = try library.read { (rows) throws(MetadataError) in
            rows.dueWork(at: now, besides: [], limit: 100).map(\.entry)
        }
        #expect(due == [one])
    }
}
