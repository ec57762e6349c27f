import Foundation
import Testing
import Wire

/// `docs/api.md` names every resource, and its examples are messages.
struct DocumentTests {
    static let text: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let data = try? Data(contentsOf: root.standardized.appending(path: "docs/api.md"))
        return String(decoding: data ?? Data(), as: UTF8.self)
    }()

    @Test(arguments: Endpoint.allCases)
    func everyResourceIsDescribed(endpoint: Endpoint) {
        let headings = Self.text.split(separator: "\n").filter { $0.hasPrefix("### ") }
        let words = headings.flatMap { $0.split { $0 == " " || $0 == "?" } }
        #expect(words.contains(endpoint.rawValue[...]))
    }

    /// Every member of an example exists, and none that is needed is missing.
    @Test func everyExampleIsAMessage() throws {
        let types: [any Message.Type] = [
            Version.self, Status.self, Listing.self, FileTags.self, TagChange.self, Matches.self,
            Filters.self, FilterTest.self, FilterDraft.self, Problem.self,
            FileDetails.self, FileChange.self, NewDirectory.self, Checks.self, CacheState.self,
            PinChange.self, BulkTagChange.self, TagReport.self, AutoTag.self,
            TaggedFiles.self, QueryPlan.self,
            Flush.self, FlushReport.self, Backends.self, BackendSettings.self,
            RemovedBackend.self, SecretRotation.self, RotatedSecret.self, ScanRequest.self,
            ScanReport.self,
        ]
        let examples = Self.text.components(separatedBy: "\n\n").filter { $0.hasPrefix("    {") }
        #expect(examples.count == 30)
        for example in examples {
            let plain = try JSONSerialization.jsonObject(with: Data(example.utf8)) as? NSDictionary
            let isMessage = types.contains { type in
                guard let message = try? type.init(json: Array(example.utf8)) else { return false }
                let again = try? JSONSerialization.jsonObject(with: Data(message.json()))
                return again as? NSDictionary == plain
            }
            #expect(isMessage, "\(example)")
        }
    }
}
