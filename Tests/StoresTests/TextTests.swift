import Base
import TestSupport
import Testing

@testable import Stores

/// How numbers, times and texts are written into headers and read from them.
@Suite struct TextTests {
    @Test(
        arguments: [
            ("33188", 0o100644), ("100644", 0o100644), ("0100644", 0o100644), ("40755", 0o040755),
            ("16877", 0o040755), ("120777", 0o120777), ("41471", 0o120777), ("420", 0o644),
            ("41777", 0o041777),
        ] as [(String, UInt32)]
    )
    func aModeIsReadAsAnyoneWritesIt(text: String, mode: UInt32) {
        #expect(AttributeText.mode(text) == mode)
    }

    @Test func everyModeReadsBackAsWritten() {
        var wrong: [UInt32] = []
        for type: UInt32 in [0o040000, 0o100000, 0o140000] {
            for permissions: UInt32 in 0..<0o10000 where type | permissions != 0o041471 {
                let mode = type | permissions
                if AttributeText.mode(String(mode)) != mode { wrong.append(mode) }
                if AttributeText.mode(String(mode, radix: 8)) != mode { wrong.append(mode) }
            }
        }
        #expect(wrong == [])
    }

    @Test(arguments: ["", "abc", "-1", "99999999999999", "100648"])
    func otherTextIsNoMode(text: String) { #expect(AttributeText.mode(text) == nil) }

    @Test(
        arguments: [
            ("1700000000", 1_700_000_000_000_000_000), ("1700000000.5", 1_700_000_000_500_000_000),
            ("1700000000.123456789", 1_700_000_000_123_456_789), ("0", 0), ("-1.5", -1_500_000_000),
            ("1700000000.1234567891", 1_700_000_000_123_456_789), ("1.5e3", 1_500_000_000_000),
            ("2023-11-14T22:13:20.000000001Z", 1_700_000_000_000_000_001),
            ("2023-11-14T23:13:20+01:00", 1_700_000_000_000_000_000),
        ] as [(String, Int64)]
    )
    func aTimeIsReadAsAnyoneWritesIt(text: String, nanoseconds: Int64) {
        #expect(AttributeText.time(text) == Timestamp(nanoseconds: nanoseconds))
    }

    @Test(arguments: ["", "x", ".", "1.x", "-", "nan", "inf", "1e99", "2023-13-01T00:00:00Z"])
    func otherTextIsNoTime(text: String) { #expect(AttributeText.time(text) == nil) }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func anyTimeReadsBackAsWritten(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let time = Timestamp(
            nanoseconds: Int64.random(
                in: -8_000_000_000_000_000_000...8_000_000_000_000_000_000,
                using: &random
            )
        )
        #expect(AttributeText.time(AttributeText.text(time)) == time)
        let second = Timestamp(seconds: time.seconds)
        #expect(CivilTime(second).timestamp == second)
    }

    @Test func datesAreThoseOfTheCalendar() {
        #expect(Timestamp(seconds: 1_440_938_160).basicISO8601 == "20150830T123600Z")
        #expect(Timestamp(seconds: 951_827_696).basicISO8601 == "20000229T123456Z")
        let date = Timestamp(httpDate: "Fri, 24 May 2013 00:00:00 GMT")
        #expect(date == Timestamp(seconds: 1_369_353_600))
        #expect(Timestamp(httpDate: "yesterday") == nil)
        #expect(Timestamp(iso8601: "2026-11-20T20:34:40.000Z")?.basicISO8601 == "20261120T203440Z")
    }

    @Test(arguments: [
        "plain", "", "two words", " lead", "trail ", "a  b", "tab\t", "line\nbreak", "\u{7f}",
        "e\u{301}", "日本語 🎈", "=?UTF-8?B?YQ==?=", "a=?b",
    ])
    func aHeaderValueReadsBackAsWritten(text: String) {
        let encoded = EncodedWord.encoded(text)
        #expect(encoded.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
        #expect(Array(EncodedWord.decoded(encoded).utf8) == Array(text.utf8))
    }

    @Test func wordsOfOthersAreRead() {
        #expect(EncodedWord.decoded("=?utf-8?q?a_=C3=A9?=") == "a é")
        #expect(EncodedWord.decoded("=?UTF-8?B?w6k=?= =?UTF-8?B?w6k=?=") == "éé")
        #expect(EncodedWord.decoded("=?latin1?Q?=E9?=") == "=?latin1?Q?=E9?=")
    }

    @Test(arguments: 0..<50 as Range<UInt64>)
    func anyTextReadsBackFromAURL(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let scalars = (0..<40).compactMap { _ in
            Unicode.Scalar(UInt32.random(in: 0...(seed % 2 == 0 ? 0x7f : 0x2_0000), using: &random))
        }
        let text = String(String.UnicodeScalarView(scalars))
        #expect(percentDecoded(percentEncoded(text)).map { Array($0.utf8) } == Array(text.utf8))
    }

    @Test(
        arguments: [1, 8 << 20, (8 << 20) + 1, 8 << 30, (8 << 30) + 1, 1_100_000_000_000] as [Int64]
    )
    func partsCoverABodyWithinTheRules(size: Int64) throws {
        let ranges = try #require(PartPlan(size: size)).ranges
        #expect(ranges.count <= 10_000 && ranges.first?.lowerBound == 0)
        #expect(ranges.last?.upperBound == size)
        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        #expect(ranges.dropLast().allSatisfy { $0.count >= 5 << 20 })
    }

    @Test func aBodyOfTooManyPartsIsRefused() { #expect(PartPlan(size: 2 << 40) == nil) }
}
