import Base
import HTTP
import TestSupport
import Testing

@testable import Stores

/// How attributes travel in headers, in our spelling and in those of s3fs and rclone.
@Suite struct MetadataTests {
    @Test(
        arguments: [
            ("33188", 0o100644), ("16877", 0o040755), ("41471", 0o120777), ("100644", 0o100644),
            ("040755", 0o040755), ("120777", 0o120777), ("0100600", 0o100600), ("420", 0o644),
        ] as [(String, UInt32)]
    )
    func aModeIsDecimalOrOctal(text: String, mode: UInt32) {
        #expect(AttributeText.mode(text) == mode)
    }

    @Test(arguments: ["", "rw", "-1", "99999999999", "0x1ff", "089"])
    func otherTextIsNoMode(text: String) {
        #expect(AttributeText.mode(text) == nil)
    }

    @Test(
        arguments: [
            ("1700000000", 1_700_000_000, 0), ("1700000000.5", 1_700_000_000, 500_000_000),
            ("1700000000.123456789", 1_700_000_000, 123_456_789),
            ("1700000000.1234567891", 1_700_000_000, 123_456_789),
            ("2023-11-14T22:13:20.25Z", 1_700_000_000, 250_000_000),
            ("2023-11-14T23:13:20+01:00", 1_700_000_000, 0), ("1.7e9", 1_700_000_000, 0),
            ("-1.25", -2, 750_000_000), ("0", 0, 0),
        ] as [(String, Int64, Int64)]
    )
    func aTimeHasManySpellings(text: String, seconds: Int64, nanoseconds: Int64) {
        #expect(AttributeText.time(text) == Timestamp(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test(arguments: [
        "", "now", "1.2.3", ".5", "nan", "inf", "1e300", "2023-13-01T00:00:00Z",
        "9999999999999999999",
    ])
    func otherTextIsNoTime(text: String) {
        #expect(AttributeText.time(text) == nil)
    }

    /// What cannot be read as an attribute is some other program's, and is written back as it came.
    @Test func whatIsNotUnderstoodIsKept() throws {
        let came: HTTPHeaders = [
            "X-Amz-Meta-Mode": "rwxr-xr-x", "x-amz-meta-uid": "joe", "x-amz-meta-gid": "-5",
            "x-amz-meta-mtime": "yesterday", "X-AMZ-META-Colour": "red",
            "x-amz-meta-s3cmd-attrs": "atime:1/ctime:2", "Content-Type": "text/plain",
        ]
        let attributes = ObjectAttributes(headers: came)
        #expect(attributes.mode == nil && attributes.modified == nil && attributes.owner == nil)
        #expect(attributes.other.count == 6)
        #expect(try ObjectAttributes(headers: attributes.headers()) == attributes)
        #expect(try attributes.headers()["x-amz-meta-mtime"] == "yesterday")
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func whatIsWrittenReadsBack(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let letters =
            "a B=?Qé\u{301}🎈\t\n\r\u{1}\"\\%+_,;:".map { String($0) } + ["=?UTF-8?B?", "?="]
        let value = (0..<Int.random(in: 0...12, using: &random))
            .map { _ in letters.randomElement(using: &random) ?? "x" }.joined()
        let sent = ObjectAttributes(
            mode: [nil, 0o100644, 0o040755, 0o120777, 0o106751].randomElement(using: &random)
                ?? nil,
            owner: [nil, 0, 1000, .max].randomElement(using: &random) ?? nil,
            group: [nil, 0, 1000, .max].randomElement(using: &random) ?? nil,
            modified: Timestamp(
                seconds: Int64.random(in: -4_000_000_000...4_000_000_000, using: &random),
                nanoseconds: Int64.random(in: 0..<1_000_000_000, using: &random)
            ),
            contentType: [nil, "text/plain", "x/é"].randomElement(using: &random) ?? nil,
            other: ["a": value, "b-c": "plain"]
        )
        let headers = try sent.headers()
        for field in headers.fields {
            #expect(field.value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }, "\(field)")
        }
        var found = ObjectAttributes(headers: headers)
        found.contentType = found.contentType.map { EncodedWord.decoded($0) }
        #expect(found == sent)
        #expect(found.other["a"].map { Array($0.utf8) } == Array(value.utf8))
    }

    /// In the forms in which AWS, boto and rclone send what is not ASCII.
    @Test(arguments: [
        ("=?UTF-8?B?w6k=?=", "é"), ("=?utf-8?q?=C3=A9_x?=", "é x"),
        ("=?UTF-8?B?w6k=?= =?UTF-8?B?w6g=?=", "éè"), ("=?UTF-8?X?w6k=?=", "=?UTF-8?X?w6k=?="),
        ("=?UTF-8?B?/w==?=", "=?UTF-8?B?/w==?="), ("a =?= b", "a =?= b"), ("plain", "plain"),
        ("=?utf-8?q?a+b?=", "a+b"), ("=?utf-8?q?100%?=", "100%"), ("=?utf-8?q?=c3=a9?=", "é"),
    ])
    func encodedWordsAreRead(text: String, expected: String) {
        #expect(Array(EncodedWord.decoded(text).utf8) == Array(expected.utf8))
    }

    @Test(arguments: ["a b", "", "é", "a:b", "x\r\ny"])
    func aNameThatIsNoTokenIsRefused(name: String) {
        #expect(throws: S3Failure.self) { try ObjectAttributes(other: [name: "x"]).headers() }
    }
}
