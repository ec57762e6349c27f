import Base
import Settings
import TestSupport
import Testing

/// What a person is told about a mistake, word for word.
struct MistakeTests {
    static let s3 = "[backend x]\ntype = s3\n"

    static let mistakes: [(text: String, message: String)] = [
        (
            "\(s3)acces_key = a",
            "3: unknown key 'acces_key' in [backend x]; did you mean 'access_key'?"
        ),
        ("[mount]\nwhatever = 1", "2: unknown key 'whatever' in [mount]"),
        ("\n[bakend x]", "2: unknown section [bakend x]; did you mean 'backend'?"),
        ("[nothing at all]", "1: unknown section [nothing at all]"),
        ("[mount x]", "1: [mount x] takes no name"),
        ("[filter]", "1: [filter] needs a name: [filter NAME]"),
        ("[tagger x]", "1: [tagger x] has no 'path'"),
        (
            "[tagger x]\npath = /{a}/\nbackend = loca",
            "2: [tagger x]: there is no backend 'loca'; did you mean 'local'?"
        ),
        ("[mount]\n[log]\n[mount]", "3: [mount] is already in line 1"),
        ("[backend a]\n[backend 'a']", "2: [backend a] is already in line 1"),
        ("[log]\nlevel = info\nlevel = info", "3: 'level' is already set in line 2, in [log]"),
        ("level = info", "1: 'level' stands before the first [section]"),
        ("[log", "1: a section is written [name], on a line of its own"),
        ("[]", "1: the section has no name"),
        ("[log]\nlevel", "2: expected 'key = value', a [section] or a # comment"),
        ("[log]\n = info", "2: there is no key before '='"),
        ("[log]\nlevel = 'info", "2: the quote at the start of the value is not closed"),
        (
            "[log]\nlevel = inf",
            "2: 'level' is one of error, warning, info, debug, not 'inf'; did you mean 'info'?"
        ),
        (
            "[log]\nlevel = info, cach=debug",
            "2: 'level' names the modules \(LogLevels.modules.joined(separator: ", ")), "
                + "not 'cach'; did you mean 'Cache'?"
        ),
        (
            "[log]\nlevel = info, debug",
            "2: 'level' is a level, then MODULE=LEVEL for some modules, not 'info, debug'"
        ),
        (
            "[control]\nlisten = 0.0.0.0:80",
            "2: 'listen' is 127.0.0.1:PORT or [::1]:PORT, not '0.0.0.0:80'"
        ),
        (
            "[telemetry]\notlp_endpoint = collector:4318",
            "2: 'otlp_endpoint' is a URL such as http://localhost:4318, not 'collector:4318'"
        ),
        ("[log]\nrotate_size = 1K", "2: 'rotate_size' is at least 64KiB"),
        ("[log]\nrotate_every = 1s", "2: 'rotate_every' is at least 1m"),
        ("[log]\nbackups = -1", "2: 'backups' is a number from 0 to 1000, not '-1'"),
        ("[log]\nlevel = ${NONE}", "2: 'level' uses ${NONE}, but that variable is not set"),
        (
            "[log]\nlevel = ${NO NE}",
            "2: a variable is written ${NAME}; for '${' itself write '$${'"
        ),
        ("[log]\nlevel = ${NONE", "2: a variable is written ${NAME}; for '${' itself write '$${'"),
        ("[mount]\ndata_dir =", "2: 'data_dir' is empty"),
        (
            "[mount]\ndata_dir = x/y",
            "2: 'data_dir' is an absolute path, or starts with ~/, not 'x/y'"
        ),
        (
            "[mount]\ndata_dir = ~bob",
            "2: 'data_dir' is an absolute path, or starts with ~/, not '~bob'"
        ),
        ("[mount]\nallow_other = maybe", "2: 'allow_other' is yes or no, not 'maybe'"),
        ("[mount]\nclose = now", "2: 'close' is one of sync, async, not 'now'"),
        ("[mount]\ndurability = on", "2: 'durability' is one of local, remote, not 'on'"),
        (
            "[mount]\ndirectory_ttl = 60",
            "2: 'directory_ttl' is a time with its unit, such as 500ms, 60s or 7d, not '60'"
        ),
        ("[mount]\ndirectory_ttl = 500ms", "2: 'directory_ttl' is at least 1s"),
        ("[mount]\nuid = -1", "2: 'uid' is a number from 0 to 4294967294, not '-1'"),
        (
            "[mount]\ngid = 4294967295",
            "2: 'gid' is a number from 0 to 4294967294, not '4294967295'"
        ),
        ("[mount]\numask = 088", "2: 'umask' is an octal number from 000 to 777, not '088'"),
        ("[mount]\numask = 1777", "2: 'umask' is an octal number from 000 to 777, not '1777'"),
        ("[cache]\nsize = lots", "2: 'size' is a size such as 10GiB, 5MB or 4096, not 'lots'"),
        ("[cache]\nsize = 1.5GiB", "2: 'size' is a size such as 10GiB, 5MB or 4096, not '1.5GiB'"),
        ("[cache]\nsize = 9000000000P", "2: 'size' is too large: '9000000000P'"),
        ("[cache]\nsize = 1M", "2: 'size' is at least 16MiB"),
        ("[cache]\nmemory = 1M", "2: 'memory' is at least 8MiB"),
        (
            "[backend .x]",
            "1: the name in [backend .x] is made of letters, digits, '.', '_' and '-', does not start with '.' and has at most 64"
        ),
        (
            "[backend a/b]",
            "1: the name in [backend a/b] is made of letters, digits, '.', '_' and '-', does not start with '.' and has at most 64"
        ),
        ("[backend x]", "1: [backend x] has no 'type'; set it to s3 or local"),
        ("[backend x]\ntype = S3", "2: 'type' is one of s3, local, not 'S3'; did you mean 's3'?"),
        ("\(s3)", "1: [backend x] has no 'bucket'"),
        ("\(s3)bucket =", "3: 'bucket' is empty"),
        (
            "\(s3)bucket = a/b",
            "3: 'a/b' is no name of a bucket; what is inside it goes into 'prefix'"
        ),
        ("\(s3)bucket = b\npath = /x", "4: an s3 backend has no 'path'"),
        (
            "\(s3)bucket = b\nendpoint = localhost",
            "4: 'endpoint' starts with http:// or https://, unlike 'localhost'"
        ),
        (
            "\(s3)bucket = b\nendpoint = http://h/b",
            "4: 'endpoint' is scheme, host and port, such as http://localhost:9000, not 'http://h/b'"
        ),
        ("\(s3)bucket = b\nprefix = /a", "4: 'prefix' does not start with a /"),
        ("\(s3)bucket = b\naccess_key = a", "4: 'access_key' needs a 'secret_key'"),
        ("\(s3)bucket = b\nsecret_key = a", "4: 'secret_key' needs an 'access_key'"),
        (
            "\(s3)bucket = b\nprofile = p\nsecret_key = a",
            "5: 'profile' is set as well: remove it, or 'secret_key'"
        ),
        ("[backend x]\ntype = local", "1: [backend x] has no 'path': the directory to show"),
        ("[backend x]\ntype = local\nbucket = b", "3: a local backend has no 'bucket'"),
        ("[filter a]", "1: [filter a] has no 'query'"),
        ("[filter a]\nquery =", "2: 'query' is empty"),
        (
            "[filter a]\nquery = *\nlayout = tee",
            "3: 'layout' is one of flat, tree, not 'tee'; did you mean 'tree'?"
        ),
        (
            "[filter /a]\nquery = *",
            "1: the path in [filter /a] has an empty part: it neither starts nor ends with a /"
        ),
        ("[filter a/../b]\nquery = *", "1: the path in [filter a/../b] has a '..' in it"),
        (
            "[filter .q/b]\nquery = *",
            "1: the path in [filter .q/b] starts with .q, which is for queries typed as paths"
        ),
        ("[log]\nlevel = a\0b", "2: the line is not text in UTF-8"),
    ]

    @Test(arguments: mistakes)
    func aMistakeIsNamedWithItsLine(text: String, message: String) {
        do {
            let found = try parse(text)
            Issue.record("accepted: \(found)")
        } catch {
            #expect("\(error)" == "mount.conf:\(message)")
        }
    }

    @Test func whatIsNoTextIsRefused() {
        #expect(throws: SettingsError(path: "x", line: 2, message: "the line is not text in UTF-8"))
        {
            try Configuration.parse([10, 0xff], path: "x", environment: [:], home: "/")
        }
        let long = [UInt8](repeating: 0x61, count: 70_000)
        #expect(throws: SettingsError.self) {
            try Configuration.parse(long, path: "x", environment: [:], home: "/")
        }
    }

    /// Pieces that mean something, in any order, with any byte between: no crash, and each error has a
    /// line that exists.
    @Test(arguments: 0..<300 as Range<UInt64>)
    func noInputDoesHarm(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pieces = [
            "[mount]", "[backend x]", "[filter a/b]", "[", "]", "\n", "\r\n", "data_dir", " = ",
            "=",
            "type = s3\n", "bucket = b\n", "size = 9999999999999999999G\n", "${", "}", "$", "$${",
            "${A}",
            "'", "\"", "\\", "#", " # ", "\u{301}", "query", "~/", "7d", "level = debug\n", "\0",
            "é",
        ]
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 0..<60, using: &random) {
            bytes += pieces.randomElement(using: &random).map { Array($0.utf8) } ?? []
            if Int.random(in: 0..<20, using: &random) == 0 {
                bytes.append(UInt8.random(in: 0...255, using: &random))
            }
        }
        let lines = bytes.split(separator: 10, omittingEmptySubsequences: false).count
        do {
            let found = try Configuration.parse(
                bytes,
                path: "x",
                environment: ["A": "b"],
                home: "/home/user"
            )
            #expect(!found.backends.isEmpty)
        } catch {
            #expect((1...lines).contains(error.line ?? 0), "\(error)")
        }
    }
}
