import Base
import Metadata
import SQLite
import Testing

struct TagsAsAttributesTests {
    struct Case: Sendable {
        var write: (name: String, value: String)
        var read: [String: String]
    }

    @Test(arguments: [
        Case(write: ("user.tag.colour", "red"), read: ["user.tag.colour": "red"]),
        Case(write: ("user.tag.colour", "red\n"), read: ["user.tag.colour": "red"]),
        Case(write: ("user.tag.colour", "red\nblue"), read: ["user.tag.colour": "blue\nred"]),
        Case(
            write: ("user.tag.colour", "\nred"),
            read: ["user.tag.colour": "\nred", "user.xdg.tags": "colour"]
        ),
        Case(write: ("user.tag.colour", "red\nred"), read: ["user.tag.colour": "red"]),
        Case(
            write: ("user.tag.seen", ""),
            read: ["user.tag.seen": "", "user.xdg.tags": "seen"]
        ),
        Case(write: ("user.tag.a,b", ""), read: ["user.tag.a,b": ""]),
        Case(
            write: ("user.xdg.tags", "new, seen ,,"),
            read: ["user.tag.new": "", "user.tag.seen": "", "user.xdg.tags": "new,seen"]
        ),
        Case(write: ("user.comment", "a\0\n"), read: ["user.comment": "a\0\n"]),
        Case(write: ("user.tag", ""), read: ["user.tag": ""]),
    ])
    func areReadAsTheyWereWritten(_ test: Case) throws {
        let library = try Library()
        let file = try library.addFile()
        let found = try library.write { connection throws(MetadataError) in
            try? connection.setExtendedAttribute(
                test.write.name,
                of: file,
                to: Array(test.write.value.utf8)
            )
            return connection.attributes(of: file)
        }
        #expect(found == test.read)
    }

    @Test(arguments: [
        ("security.selinux", Errno.notSupported),
        ("system.posix_acl_access", .notSupported),
        ("trusted.overlay", .notSupported),
        ("", .notSupported),
        ("user.", .invalid),
        ("user.tag.", .invalid),
        ("user.gosync.query", .notPermitted),
        ("user." + String(repeating: "x", count: 251), .range),
    ])
    func someNamesCannotBeWritten(name: String, error: Errno) throws {
        let library = try Library()
        let file = try library.addFile()
        try library.write { connection throws(MetadataError) in
            #expect(throws: error) { try connection.setExtendedAttribute(name, of: file, to: []) }
            #expect(throws: error) { try connection.removeExtendedAttribute(name, of: file) }
            let reading = error == .notPermitted ? Errno.noData : error
            #expect(throws: reading) { try connection.extendedAttribute(name, of: file) }
        }
    }

    @Test(arguments: ["user.tag.k", "user.xdg.tags", "user.plain"])
    func createAndReplaceAreKeptApart(name: String) throws {
        let library = try Library()
        let file = try library.addFile()
        try library.write { connection throws(MetadataError) in
            func set(_ mode: ExtendedAttribute.Mode) throws(Errno) {
                try connection.setExtendedAttribute(name, of: file, to: [0x61], mode: mode)
            }
            #expect(throws: Errno.noData) { try set(.replace) }
            #expect(throws: Errno.noData) {
                try connection.removeExtendedAttribute(name, of: file)
            }
            #expect(throws: Never.self) { try set(.create) }
            #expect(throws: Errno.exists) { try set(.create) }
            #expect(throws: Never.self) { try set(.replace) }
            #expect(throws: Never.self) {
                try connection.removeExtendedAttribute(name, of: file)
            }
            #expect(connection.extendedAttributes(of: file) == [])
        }
    }

    @Test func valuesHaveLimits() throws {
        let library = try Library()
        let file = try library.addFile()
        try library.write { connection throws(MetadataError) in
            func set(_ name: String, _ value: [UInt8]) throws(Errno) {
                try connection.setExtendedAttribute(name, of: file, to: value)
            }
            let whole = [UInt8](repeating: 0x61, count: 65_536)
            #expect(throws: Never.self) { try set("user.tag.k", whole) }
            #expect(throws: Never.self) { try set("user.plain", whole) }
            #expect(throws: Errno.argumentTooBig) { try set("user.tag.k", whole + [0x61]) }
            #expect(throws: Errno.argumentTooBig) { try set("user.plain", whole + [0x61]) }
            #expect(throws: Errno.illegalBytes) { try set("user.tag.k", [0xff]) }
            #expect(throws: Errno.invalid) { try set("user.tag.k", [0]) }
            #expect(throws: Never.self) { try set("user.plain", [0xff, 0]) }
            #expect(connection.tagValues("k", of: file).map(\.utf8.count) == [65_536])
        }
    }

    @Test func theListOfNamesStaysReadable() throws {
        let library = try Library()
        let file = try library.addFile()
        let refused = try library.write { connection throws(MetadataError) in
            (0..<300).count { number in
                let name = "user.tag.\(number)" + String(repeating: "x", count: 230)
                do throws(Errno) {
                    try connection.setExtendedAttribute(name, of: file, to: [0x61])
                    return false
                } catch {
                    #expect(error == .noSpace)
                    return true
                }
            }
        }
        #expect(refused > 0)
    }

    @Test func theListOfFlagsReplacesFlagsOnly() throws {
        let library = try Library()
        let file = try library.addFile()
        let found = try library.write { connection throws(MetadataError) in
            for tag in [
                FileTag("old"), FileTag("kept"), FileTag("colour", "red"), FileTag("both"),
                FileTag("both", "x"),
            ] {
                try? connection.addTag(tag, to: file)
            }
            try? connection.setExtendedAttribute(
                "user.xdg.tags",
                of: file,
                to: Array("kept,new".utf8)
            )
            return connection.attributes(of: file)
        }
        #expect(
            found == [
                "user.tag.both": "x", "user.tag.colour": "red", "user.tag.kept": "",
                "user.tag.new": "", "user.xdg.tags": "kept,new",
            ]
        )
    }
}

extension Connection {
    fileprivate func attributes(of file: FileID) -> [String: String] {
        var found: [String: String] = [:]
        for name in extendedAttributes(of: file) {
            guard let value = try? extendedAttribute(name, of: file) else { continue }
            found[name] = String(decoding: value, as: UTF8.self)
        }
        return found
    }
}
