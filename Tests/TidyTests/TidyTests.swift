import Foundation
import Testing

/// Rules about the source itself: a rule that is not checked here is only advice.
struct TidyTests {
    /// A module imports only from floors below its own; programs are the top floor.
    static let floors = [
        ["CLinux", "CMD5", "CFUSE", "CSQLite", "CCurl", "COpenSSL", "CExpat", "CWebSockets"],
        ["Base"],
        ["SQLite", "HTTP", "Digest", "XML", "WebServer", "Queries", "Wire", "Settings"],
        ["Metadata", "Stores", "Cache"],
        ["Volumes"],
        ["Mounting", "Agent"],
        ["gosync", "gosync-mount"],
    ]

    @Test(arguments: Source.all)
    func importsLookDown(source: Source) throws {
        let floor = try #require(Self.floor(of: source.module), "a module on no floor")
        for name in source.imports {
            guard let other = Self.floor(of: name) else { continue }
            #expect(other < floor, "\(source.module) imports \(name)")
        }
    }

    @Test(arguments: floors[0])
    func aCLibraryHasOneOwner(library: String) {
        let owners = Set(Source.all.filter { $0.imports.contains(library) }.map(\.module))
        #expect(owners.count == 1, "\(library) is imported by \(owners)")
    }

    /// The compiler lets a C library's names through any import that is public.
    @Test(arguments: Source.all)
    func noCLibraryIsShownToOthers(source: Source) {
        let shown = source.publicImports.filter { Self.floors[0].contains($0) }
        #expect(shown.isEmpty)
    }

    /// The command line starts fast because it holds nothing of the daemon.
    @Test func theCommandLineStaysOnTheLowerFloors() throws {
        let own = Source.all.filter { $0.module == "gosync" }
        for name in own.flatMap(\.imports) {
            guard let floor = Self.floor(of: name) else { continue }
            #expect(floor <= 2, "gosync imports \(name)")
        }
    }

    /// What the package says it needs lies below as well, or an import could follow one day.
    @Test func dependenciesOfThePackageLookDown() throws {
        let text = try String(
            contentsOf: Source.root.appending(path: "Package.swift"),
            encoding: .utf8
        )
        let modules = text.matches(of: /module\(\s*"(\w+)",\s*\[([^\]]*)\]/)
        #expect(modules.count == Self.floors[1...5].reduce(0) { $0 + $1.count })
        for module in modules {
            let floor = try #require(Self.floor(of: String(module.1)))
            for name in module.2.matches(of: /"(\w+)"/) {
                let other = try #require(Self.floor(of: String(name.1)))
                #expect(other < floor, "\(module.1) depends on \(name.1)")
            }
        }
    }

    @Test func everyModuleIsOnOneFloor() {
        let modules = Set(Source.all.map(\.module))
        for module in modules {
            #expect(Self.floors.filter { $0.contains(module) }.count == 1, "\(module)")
        }
    }

    private static func floor(of module: String) -> Int? {
        floors.firstIndex { $0.contains(module) }
    }
}

/// A file of `Sources`.
struct Source: CustomTestStringConvertible, Sendable {
    let path: String
    private let lines: [Substring]

    var testDescription: String { path }
    var module: String { String(path.prefix { $0 != "/" }) }
    var imports: [String] { matches.map(\.name) }
    var publicImports: [String] { matches.filter(\.isPublic).map(\.name) }

    private var matches: [(isPublic: Bool, name: String)] {
        let pattern =
            /(?:@\w+(?:\(\w+\))? )*(public |package |internal |private |fileprivate )?import (?:(?:struct|class|enum|protocol|func|typealias|var|let) )?(\w+).*/
        return lines.compactMap { line in
            line.wholeMatch(of: pattern).map { ($0.1 == "public ", String($0.2)) }
        }
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../..").standardized

    static let all: [Source] = {
        let folder = root.appending(path: "Sources").path
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
        return (names ?? []).filter { $0.hasSuffix(".swift") }.sorted().map { name in
            let data = FileManager.default.contents(atPath: folder + "/" + name) ?? Data()
            let text = String(decoding: data, as: UTF8.self)
            return Source(path: name, lines: text.split(separator: "\n"))
        }
    }()
}
