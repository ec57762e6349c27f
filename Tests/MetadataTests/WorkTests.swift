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

    /// A flush has made it due, and somebody waits; then the program closes its file.
    @Test func whatIsDueIsNotPutOff() throws {
        let library = try Library()
        let now = Timestamp.now()
        let dues = [-1, 0, 1, 60].map { now.adding(seconds: $0) }
        let after = try library.write { (rows) throws(MetadataError) in
            let entries = dues.enumerated().map { number, due in
                let name = Name("f\(number)")
                let entry = Entry(parent: 1, name: name, file: Int64(100 + number), backend: 1)
                return (rows.insert(entry), due)
            }
            for (entry, due) in entries { rows.addWork(entry, due: due) }
            for file in 100..<104 as Range<FileID> {
                let due = now.adding(seconds: 5)
                rows.makeWorkDue(of: file, at: due, now: now, noLaterThan: 30)
            }
            return entries.map { rows.work(for: $0.0)?.due }
        }
        #expect(after == [dues[0], now, now.adding(seconds: 5), now.adding(seconds: 5)])
    }
}
