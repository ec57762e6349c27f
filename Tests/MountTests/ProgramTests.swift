import Foundation
import Glibc
import TestSupport
import Testing

/// Real programs on the mount, held against what they do on a plain directory.
@Suite(.serialized)
struct ProgramTests {
    static let stores = ["local"] + S3Server.Kind.allCases.map(\.rawValue)

    private func mount(_ store: String) throws -> (Mount, Bucket?) {
        guard let kind = S3Server.Kind(rawValue: store) else { return (try Mount(), nil) }
        let bucket = try Bucket(kind)
        return (try bucket.mount(), bucket)
    }

    @Test(arguments: stores)
    func copiesKeepEverything(store: String) throws {
        let (mount, _) = try mount(store)
        try shell(
            """
            mkdir source && cd source
            mkdir -p d/e && echo one > d/one && echo two > d/e/two && ln -s one d/link && touch empty
            chmod 640 d/one && touch -d '2001-02-03 04:05:06.789' d/one
            setfattr -n user.tag.colour -v red d/one && setfattr -n user.other -v 0x00ff d/one
            cd .. && cp -a source '\(mount.folder)/cp'
            rsync -aX source/ '\(mount.folder)/rsync/'
            tar --xattrs -cf - source | tar --xattrs --xattrs-include='user.*' -C '\(mount.folder)' -xf -
            for copy in cp rsync source; do
              cd '\(mount.folder)/'$copy
              cmp d/one '\(mount.scratch.path)/source/d/one'
              cmp d/e/two '\(mount.scratch.path)/source/d/e/two'
              test "$(readlink d/link)" = one
              test "$(stat -c '%a %Y' d/one)" = "$(stat -c '%a %Y' '\(mount.scratch.path)/source/d/one')"
              test "$(getfattr --only-values -n user.tag.colour d/one)" = red
              getfattr -e hex -n user.other d/one | grep -q 0x00ff
              test -f empty
            done
            rsync -aXni '\(mount.scratch.path)/source/' '\(mount.folder)/rsync/' > '\(mount.scratch.path)/again'
            test ! -s '\(mount.scratch.path)/again'
            """,
            in: mount.scratch.path
        )
    }

    @Test(arguments: stores)
    func editorsThatReplaceAFileKeepItsTags(store: String) throws {
        let (mount, _) = try mount(store)
        try shell(
            """
            echo 'a red car' > f && setfattr -n user.tag.colour -v red f
            sed -i s/red/blue/ f
            test "$(cat f)" = 'a blue car'
            test "$(getfattr --only-values -n user.tag.colour f)" = red
            mv f g && test "$(getfattr --only-values -n user.tag.colour g)" = red
            mkdir d && mv g d/ && test "$(getfattr --only-values -n user.tag.colour d/g)" = red
            mv d e && test "$(cat e/g)" = 'a blue car'
            mv e/g '\(mount.scratch.path)/out' && test ! -e e/g
            mv '\(mount.scratch.path)/out' back && test "$(cat back)" = 'a blue car'
            """,
            in: mount.folder
        )
    }

    @Test(arguments: stores)
    func gitAndSQLiteWork(store: String) throws {
        let (mount, _) = try mount(store)
        try shell(
            """
            git init -q origin && cd origin && git config user.email a@b && git config user.name n
            for i in $(seq 40); do mkdir -p d$((i % 5)) && echo "file $i" > d$((i % 5))/f$i; done
            git add . && git commit -qm one && cd ..
            git clone -q origin '\(mount.folder)/clone'
            cd '\(mount.folder)/clone' && git fsck --full && test -z "$(git status --porcelain)"
            git config user.email a@b && git config user.name n
            echo more >> d1/f1 && git commit -qam two && git gc -q && git fsck --full
            """,
            in: mount.scratch.path
        )
        try shell(
            """
            sqlite3 db 'create table t(a integer primary key, b text);'
            for i in 1 2 3 4 5; do sqlite3 db "insert into t(b) select hex(randomblob(500)) from generate_series(1, 100);"; done
            test "$(sqlite3 db 'pragma integrity_check; select count(*) from t;')" = "ok
            500"
            """,
            in: mount.folder
        )
    }

    @Test(arguments: stores)
    func bigFilesSurviveDd(store: String) throws {
        let (mount, bucket) = try mount(store)
        try shell(
            """
            dd if=/dev/urandom of=plain bs=1M count=40 status=none
            dd if=plain of='\(mount.folder)/f' bs=300k status=none
            cmp plain '\(mount.folder)/f'
            for file in plain '\(mount.folder)/f'; do
              printf changed | dd of="$file" bs=1 seek=20000000 conv=notrunc status=none
              printf added >> "$file"
            done
            cmp plain '\(mount.folder)/f'
            """,
            in: mount.scratch.path
        )
        try mount.remount()
        try shell("cmp plain '\(mount.folder)/f'", in: mount.scratch.path)
        if let bucket { try bucket.rclone("copyto", "other:/f", mount.scratch.path + "/back") }
        if bucket != nil { try shell("cmp plain back", in: mount.scratch.path) }
    }

    /// A real tree of 10,000 files or more, written through the mount and compared by another client,
    /// then the other way round.
    @Test func aRealTreeArrivesWholeInBothDirections() throws {
        let bucket = try Bucket(.radosgw)
        let mount = try bucket.mount(settings: "directory_ttl = 1s\nclose = async")
        try shell(
            """
            mkdir tree && cp -r /usr/include tree/ && cp -r /usr/share/doc tree/ 2>/dev/null || true
            find tree -type l -delete; find tree -type d -empty -delete
            n=$(find tree -type f | wc -l)
            while [ "$n" -lt 10000 ]; do
              mkdir tree/more$n && for i in $(seq 500); do echo "$n $i" > "tree/more$n/f$i"; done; n=$((n + 500))
            done
            cp -r tree '\(mount.folder)/'
            """,
            in: mount.scratch.path,
            atMost: 400
        )
        let flushed = try run(
            buildDirectory + "/gosync",
            ["flush"],
            environment: ["GOSYNC_SOCKET": mount.dataDirectory + "/gosync.sock"],
            atMost: 400
        )
        #expect(flushed.status == 0, "\(flushed.complaint)")
        let tree = mount.scratch.path + "/tree"
        try bucket.rclone("check", "--checkers", "16", tree, "other:/tree")
        try bucket.rclone("copy", "--transfers", "16", tree, "other:/again")
        #expect(eventually { access(mount.folder + "/again", F_OK) == 0 })
        try shell("diff -r tree '\(mount.folder)/again'", in: mount.scratch.path, atMost: 400)
    }

    @Test(arguments: stores)
    func whoListsWhileAnotherWritesSeesWholeNames(store: String) throws {
        let (mount, _) = try mount(store)
        try shell(
            """
            (for i in $(seq 200); do echo "content $i" > "f$i"; done; touch done) &
            while [ ! -e done ]; do ls -l > /dev/null; for f in f1*; do [ ! -e "$f" ] || cat "$f" > /dev/null; done; done
            wait
            test "$(ls | grep -c '^f')" = 200
            for i in $(seq 200); do test "$(cat "f$i")" = "content $i"; done
            """,
            in: mount.folder
        )
    }
}
