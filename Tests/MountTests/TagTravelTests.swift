import Glibc
import TestSupport
import Testing

/// What the programs that people copy, archive and edit with do with tags: nothing that a plain directory
/// would not see too.
@Suite(.serialized) struct TagTravelTests {
    /// As KDE's and freedesktop.org's programs write them, and tags of ours.
    private static let attributes: [(name: String, value: [UInt8])] = [
        ("user.baloo.rating", Array("8".utf8)),
        ("user.binary", [0, 255, 10, 0]),
        ("user.tag.colour", Array("orange\nred".utf8)),
        ("user.tag.urgent", []),
        ("user.xdg.comment", Array("Straße, \"am Meer\"".utf8)),
        ("user.xdg.tags", Array("urgent".utf8)),
    ]

    private func tag(_ path: String) {
        for (name, value) in Self.attributes {
            #expect(setAttribute(path, name, value) == 0, "\(name) of \(path)")
        }
    }

    private func expectTags(of path: String) throws {
        #expect(try attributeNames(path).sorted() == Self.attributes.map(\.name), "\(path)")
        for (name, value) in Self.attributes {
            #expect(try attribute(path, name) == value, "\(name) of \(path)")
        }
    }

    /// Out of the mount, into it, and within it.
    @Test(arguments: [
        "cp -a f $TO/", "rsync -aX f $TO/", "mv f $TO/",
        "tar --xattrs -cf - f | tar --xattrs --xattrs-include='user.*' -C $TO -xf -",
    ])
    func attributesGoWithTheFile(command: String) throws {
        let stores = try TemporaryDirectory()
        let mount = try Mount(
            sections: """
                [backend local]
                type = local
                path = \(stores.path)/local
                [backend other]
                type = local
                path = \(stores.path)/other
                """
        )
        let plain = mount.scratch.path + "/plain"
        let (one, other) = (mount.folder, mount.path + "/backends/other")
        try shell("mkdir '\(plain)'")
        for (from, to) in [(plain, one), (one, other), (one, plain)] {
            try shell("rm -f '\(from)/f' '\(to)/f'; echo text > '\(from)/f'")
            tag(from + "/f")
            try shell(command, environment: ["TO": to], in: from)
            #expect(try readFile(to + "/f") == "text\n")
            try expectTags(of: to + "/f")
        }
    }

    /// Editors write a new file and give it the old one's name; `cp` and shells write into the old one.
    @Test(arguments: [
        "sed -i s/red/blue/ f", "sed s/red/blue/ f > f.new && mv f.new f",
        "sed s/red/blue/ f > f.new && cp f.new f && rm f.new",
        "sed s/red/blue/ f > f.new && cat f.new > f && rm f.new",
    ])
    func attributesStayWithTheNameThatIsWrittenAnew(command: String) throws {
        let mount = try Mount()
        try writeFile(mount.folder + "/f", "a red car\n")
        tag(mount.folder + "/f")
        try shell(command, in: mount.folder)
        #expect(try readFile(mount.folder + "/f") == "a blue car\n")
        try expectTags(of: mount.folder + "/f")
        #expect(try names(in: mount.folder) == ["f"])
    }

    @Test func whatOthersWroteIsAskedFor() throws {
        let mount = try Mount()
        try writeFile(mount.folder + "/f", "x")
        tag(mount.folder + "/f")
        for query in [
            "xattr:xdg.comment contains 'STRASSE'", "xattr:baloo.rating>=8", "tag:urgent",
            "xattr:user.baloo.rating=8 AND tag:colour=red",
        ] {
            #expect(try names(in: mount.path + "/filters/.q/" + query) == ["f"], "\(query)")
        }
        #expect(try names(in: mount.path + "/filters/.q/xattr:baloo.rating>8") == [])
        #expect(setAttribute(mount.folder + "/f", "user.xdg.tags", Array("a, b c,".utf8)) == 0)
        #expect(try attribute(mount.folder + "/f", "user.xdg.tags") == Array("a,b c".utf8))
        #expect(try names(in: mount.path + "/filters/.q/tag:'b c' AND NOT tag:urgent") == ["f"])
        #expect(try attribute(mount.folder + "/f", "user.tag.colour") == Array("orange\nred".utf8))
    }
}
