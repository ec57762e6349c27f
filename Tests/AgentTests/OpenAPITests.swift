import Base
import Foundation
import Testing
import WebServer
import Wire

@testable import Agent

/// `docs/openapi.yaml` says what the daemon does: every route, every item, every member of an answer.
struct OpenAPITests {
    private static let methods: [(Request.Method, String)] = [
        (.get, "get"), (.post, "post"), (.patch, "patch"), (.put, "put"), (.delete, "delete"),
    ]

    private func document() throws -> YAML {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/openapi.yaml").standardized
        return try YAML(String(contentsOf: file, encoding: .utf8))
    }

    private let router = RouterTests().router

    private func respond(_ request: Request) -> Response {
        guard let upload = router.upload(for: request) else { return router.respond(to: request) }
        return upload.finish()
    }

    /// What the router understands, found by asking it.
    private func routes() -> Set<String> {
        var routes: Set<String> = []
        for endpoint in Endpoint.allCases {
            for (method, name) in Self.methods {
                let answer = respond(Request(method: method, path: endpoint.rawValue))
                if answer.status != 405 { routes.insert("\(name) \(endpoint.rawValue)") }
            }
        }
        return routes
    }

    @Test func everyRouteIsDescribedAndNoOther() throws {
        let document = try document()
        let described = Set(
            (document["paths"]?.keys ?? []).flatMap { path in
                (document["paths", path]?.keys ?? []).map { "\($0) \(path)" }
            }
        )
        for route in routes().subtracting(described).sorted() {
            Issue.record(
                """
                \(route) is not in docs/openapi.yaml: add it below 'paths', with its parameters, body and \
                answer, as its neighbours have them, and what it takes and answers below 'schemas'
                """
            )
        }
        for route in described.subtracting(routes()).sorted() {
            Issue.record("docs/openapi.yaml has \(route), which the daemon does not understand")
        }
    }

    @Test func everyReferenceLeadsSomewhereAndEverySchemaIsUsed() throws {
        let document = try document()
        var references: [String] = []
        func collect(_ value: YAML) {
            if let reference = value["$ref"]?.string { references.append(reference) }
            for key in value.keys { value[key].map(collect) }
            value.items.forEach(collect)
        }
        collect(document)
        let schemas = Schemas(document: document)
        for reference in references {
            #expect(schemas.resolve(reference) != nil, "\(reference)")
        }
        for name in document["components", "schemas"]?.keys ?? [] {
            #expect(references.contains("#/components/schemas/\(name)"), "\(name) is not used")
        }
    }

    /// Each item that is described is understood, and one that is not is refused.
    @Test func itemsAreThoseThatAreDescribed() throws {
        let document = try document()
        for route in routes() {
            let words = route.split(separator: " ").map(String.init)
            let method = Self.methods.first { $0.1 == words[0] }!.0
            let parameters = document["paths", words[1], words[0], "parameters"]?.items ?? []
            let names = parameters.compactMap { $0["name"]?.string }
            for name in names + ["surely-unknown"] {
                let query = [name: Self.value(of: name)]
                let answer = respond(Request(method: method, path: words[1], query: query))
                let text = String(decoding: answer.body, as: UTF8.self)
                let isUnknown = answer.status == 400 && text.contains("has no item '\(name)'")
                #expect(isUnknown == (name == "surely-unknown"), "\(route) \(name): \(text)")
            }
        }
    }

    private static func value(of name: String) -> String {
        switch name {
        case "path": "/backends/a/x"
        case "limit", "since": "1"
        case "follow", "attributes": "no"
        default: "x"
        }
    }

    /// Answers as the volume of these tests gives them have the form that is described.
    @Test(
        arguments: [
            ("get", "/v1/version", [:], "", 200), ("get", "/v1/status", [:], "", 200),
            ("get", "/v1/cache", [:], "", 200), ("post", "/v1/cache/clear", [:], "", 200),
            ("get", "/v1/backends/check", [:], "", 200),
            ("post", "/v1/cache/pin", [:], #"{"path":"/backends/a","pinned":true}"#, 200),
            ("get", "/v1/list", ["path": "/backends/a"], "", 200),
            ("get", "/v1/tags", ["path": "/backends/a/x"], "", 200),
            (
                "post", "/v1/tags", [:],
                #"{"path":"/backends/a/x","set":[{"key":"k","values":["v"]}]}"#, 200
            ),
            (
                "post", "/v1/tags/bulk", [:], #"{"query":"*","add":[{"key":"k","values":["v"]}]}"#,
                200
            ),
            ("get", "/v1/tags/keys", [:], "", 200),
            ("get", "/v1/tags/values", ["key": "k"], "", 200),
            ("get", "/v1/tags/export", [:], "", 200),
            ("post", "/v1/tags/import", [:], #"{"files":[]}"#, 200),
            ("get", "/v1/search", ["query": "*"], "", 200), ("get", "/v1/filters", [:], "", 200),
            ("post", "/v1/filters", [:], #"{"path":"p","query":"*"}"#, 201),
            ("get", "/v1/filter", ["path": "none"], "", 404),
            ("get", "/v1/filters/test", ["query": "*"], "", 200),
            ("get", "/v1/filters/explain", ["query": "*"], "", 200),
            ("get", "/v1/search", [:], "", 400), ("post", "/v1/tags", [:], "{", 400),
        ] as [(String, String, [String: String], String, Int)]
    )
    func answersHaveTheDescribedForm(
        method: String,
        path: String,
        query: [String: String],
        body: String,
        status: Int
    ) throws {
        let document = try document()
        let request = Request(
            method: Self.methods.first { $0.1 == method }!.0,
            path: path,
            query: query,
            body: Array(body.utf8)
        )
        let answer = respond(request)
        #expect(answer.status == status)
        let responses = try #require(document["paths", path, method, "responses"])
        let schema =
            status < 400
            ? responses["\(status)", "content", answer.contentType, "schema"]
            : document[
                "components",
                "responses",
                "Problem",
                "content",
                answer.contentType,
                "schema"
            ]
        let described = try #require(schema, "\(status) \(answer.contentType)")
        let value = try JSONSerialization.jsonObject(with: Data(answer.body))
        #expect(Schemas(document: document).mistakes(value, described) == [])
    }
}
