import Base
import Cache
import Dispatch
import Foundation
import Metadata
import SQLite
import Synchronization
import TestSupport
import Testing

@testable import Volumes

struct NodeTableTests {
    /// Threads that open and close one file, each making the node from the database, while others hold
    /// every reading connection and ask for nodes: nobody waits in a circle, and never are there two.
    @Test func openingAndAskingNeverWaitForEachOther() throws {
        let directory = try TemporaryDirectory()
        let metadata = try Metadata(path: directory.path + "/db")
        let cache = try BlockCache(
            directory: directory.path + "/cache",
            sizeBytes: 1 << 30,
            database: metadata.database
        )
        let table = NodeTable()
        let alive = Mutex(0)
        let file = File(backend: 1, mode: 0o100644, owner: 0, group: 0, at: .now())
        DispatchQueue.concurrentPerform(iterations: 24) { thread in
            for _ in 0..<100 {
                if thread % 2 == 0 {
                    try? metadata.database.read { (rows) throws(Errno) in
                        _ = rows.file(.root)
                        _ = table.node(0)
                    }
                    continue
                }
                let node = try? table.retain(0) { () throws(Errno) in
                    let count = alive.withLock {
                        $0 += 1
                        return $0
                    }
                    #expect(count == 1)
                    return Node(file, bytes: try cache.file(0, size: 0), isDirty: false)
                }
                guard let node else { continue }
                table.release(node) {
                    alive.withLock { $0 -= 1 }
                    cache.release(node.bytes)
                }
            }
        }
        #expect(alive.withLock { $0 } == 0)
        #expect(table.all.isEmpty)
    }
}
