import Testing

@testable import Queries

struct OrderTests {
    @Test(arguments: [
        (
            "* ORDER BY mtime DESC LIMIT 100",
            Order(field: .modified, isDescending: true, limit: 100)
        ),
        (
            "tag:a order by tag:rating",
            Order(field: .tag("rating"), isDescending: false, limit: nil)
        ),
        ("tag:a LIMIT 5", Order(field: nil, isDescending: false, limit: 5)),
        ("size>1K ORDER BY name ASC LIMIT 1", Order(field: .name, isDescending: false, limit: 1)),
    ])
    func isReadAfterTheQuery(text: String, order: Order) throws {
        let query = try FilterQuery(text)
        #expect(query.order == order)
        #expect(try FilterQuery(query.description) == query)
    }

    @Test(arguments: [
        "* ORDER mtime", "* ORDER BY", "* ORDER BY colour", "* LIMIT 0", "* LIMIT 10001",
        "* LIMIT 5 ORDER BY name", "(* LIMIT 5)", "ORDER BY name",
    ])
    func whatIsNoOrderIsRefused(text: String) {
        #expect(throws: QueryError.self) { try FilterQuery(text) }
    }

    @Test func tagsThatMakeAMember() throws {
        let tags = try FilterQuery("tag:a=b AND tag:n=4 AND tag:flag").assertedTags
        #expect(tags?.map { "\($0.key)=\($0.value)" } == ["a=b", "n=4", "flag="])
        for other in ["tag:a=b OR tag:c", "NOT tag:a", "tag:a>4", "size>1", "tag:a LIMIT 3", "*"] {
            #expect(try FilterQuery(other).assertedTags == nil)
        }
    }
}
