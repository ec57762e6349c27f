import TestSupport
import Testing

/// A bucket that another mount has written, on a machine that sees it for the first time.
struct FreshMountTests {
    /// Every kind of file, with times, modes and links that no listing tells.
    private static let writing = """
        mkdir -m 750 d && mkdir d/sub
        for i in $(seq 40); do
            echo "$i" > d/f$i; chmod 6$((i % 8))0 d/f$i
            touch -d "2001-02-03 04:05:$((i + 10)).123456789" d/f$i
        done
        head -c 20000 /dev/urandom > d/sub/large; chmod 755 d/sub/large; touch -d 1999-01-01 d/sub/large
        ln -s f1 d/link; ln -s /nowhere/at/all d/sub/dangling; mkfifo -m 620 d/pipe; ln -s d top-link
        # Of links, rsync does not look at less than a second.
        touch -h -d '2002-02-02 02:02:02' d/link d/sub/dangling d/pipe top-link
        chown 12:34 d/f2; touch -d '1980-01-01 UTC' top; chmod 400 top
        """
    private static let showing = """
        find . ! -path . \\( -type d -printf '%P d %m %U %G\\n' \\
            -o -printf '%P %y %m %U %G %T@ %l %s\\n' \\)
        """

    /// What copies takes attributes along, and right after a directory was read the kernel still has
    /// what that told.
    @Test(arguments: [
        "cp -a . $TO", "ls -lR; cp -a . $TO", "rsync -a ./ $TO/",
        "tar --format=posix -cf - . | tar -C $TO -xf -",
    ])
    func whatCopiesGetsWhatWasWritten(command: String) throws {
        let (bucket, writer) = try written(by: Self.writing)
        let written = try shown(in: writer.folder)
        let content = try shell("cat d/f* d/sub/large | sha256sum", in: writer.folder)
        let fresh = try bucket.mount()
        let copy = fresh.scratch.path + "/copy"
        try shell("mkdir '\(copy)'")
        try shell(command, environment: ["TO": copy], in: fresh.folder)
        let wrong = try shown(in: copy).symmetricDifference(written)
        #expect(wrong == [])
        #expect(try shell("cat d/f* d/sub/large | sha256sum", in: copy) == content)
        let wrongHere = try shown(in: fresh.folder).symmetricDifference(written)
        #expect(wrongHere == [])
    }

    /// A bucket, and the mount through which it was written.
    private func written(by script: String) throws -> (Bucket, Mount) {
        let bucket = try Bucket(.radosgw)
        let writer = try bucket.mount()
        try shell(script, in: writer.folder)
        try writer.done("flush")
        return (bucket, writer)
    }

    private func shown(in directory: String) throws -> Set<Substring> {
        Set(try shell(Self.showing, in: directory).split(separator: "\n"))
    }

    @Test func soItIsWithDirectoriesAlone() throws {
        let (bucket, writer) = try written(
            by: "mkdir -m 711 a && mkdir -m 2700 a/b a/c && chown 12:34 a/c; mkdir -m 750 d"
        )
        let fresh = try bucket.mount()
        let copy = fresh.scratch.path + "/copy"
        try shell("cp -a . '\(copy)'", in: fresh.folder)
        let wrong = try shown(in: copy).symmetricDifference(shown(in: writer.folder))
        #expect(wrong == [])
    }

    @Test func theCommandLineTellsTheSame() throws {
        let (bucket, writer) = try written(by: Self.writing)
        let fresh = try bucket.mount()
        let listed = { (mount: Mount) in
            try mount.lines("ls", "-l", "store/d").filter { !$0.hasPrefix("d") }
        }
        #expect(try listed(fresh) == listed(writer))
        #expect(try listed(writer).count == 42)
        try fresh.done("tag", "set", "-r", "store", "seen=yes")
        #expect(try attribute(fresh.folder + "/d/f1", "user.tag.seen") == Array("yes".utf8))
    }

    @Test func linksAndTimesAreFoundAtTheFirstLook() throws {
        let (bucket, writer) = try written(by: Self.writing)
        for command in [
            "find . -type l | sort", "find . -type p", "find . -newermt 1990-01-01 -type f | sort",
            "python3 -c 'import os; print(sorted(e.name for e in os.scandir(\"d\") if e.is_symlink()))'",
            "stat -c '%n %Y %a' d/f* d/l* d/p* d/sub/* top*", "cat top-link/link",
        ] {
            let fresh = try bucket.mount()
            let found = try shell(command, in: fresh.folder)
            #expect(try found == shell(command, in: writer.folder), "\(command)")
        }
    }
}
