import Base
import Digest
import HTTP
import Testing

@testable import Stores

/// Vectors that AWS has published: its Signature Version 4 test suite, and the S3 guide's examples.
@Suite struct SignatureTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        var name: String
        var method = "GET"
        var path = "/"
        var query: [(name: String, value: String)] = []
        var headers: HTTPHeaders = [:]
        var signed = "host;x-amz-date"
        var signature: String

        var testDescription: String { name }
    }

    private static let unreserved =
        "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    static let suite: [Vector] = [
        Vector(
            name: "get-vanilla",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        ),
        Vector(
            name: "get-vanilla-query-order-key-case",
            query: [("Param2", "value2"), ("Param1", "value1")],
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        ),
        Vector(
            name: "get-vanilla-query-unreserved",
            query: [(unreserved, unreserved)],
            signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"
        ),
        Vector(
            name: "get-vanilla-utf8-query",
            query: [("\u{1234}", "bar")],
            signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"
        ),
        Vector(
            name: "get-unreserved",
            path: "/" + unreserved,
            signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"
        ),
        Vector(
            name: "get-utf8",
            path: "/%E1%88%B4",
            signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"
        ),
        Vector(
            name: "post-vanilla",
            method: "POST",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        ),
        Vector(
            name: "post-header-key-sort",
            method: "POST",
            headers: ["My-Header1": "value1"],
            signed: "host;my-header1;x-amz-date",
            signature: "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"
        ),
        Vector(
            name: "get-header-value-trim",
            headers: ["My-Header1": " value1", "My-Header2": " \"a   b   c\""],
            signed: "host;my-header1;my-header2;x-amz-date",
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
        ),
    ]

    @Test(arguments: suite)
    func theSuitesRequestsAreSignedAsItSays(vector: Vector) {
        let credentials = S3Credentials(
            accessKey: "AKIDEXAMPLE",
            secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
        )
        var headers = vector.headers
        headers["Host"] = "example.amazonaws.com"
        headers["X-Amz-Date"] = "20150830T123600Z"
        let signature = Signature(credentials: credentials, region: "us-east-1", service: "service")
        let found = signature.authorization(
            Signature.Subject(
                method: vector.method,
                path: vector.path,
                query: vector.query,
                headers: headers,
                payload: hex(sha256(""))
            ),
            at: Timestamp(seconds: 1_440_938_160)
        )
        #expect(
            found == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/"
                + "aws4_request, SignedHeaders=\(vector.signed), Signature=\(vector.signature)"
        )
    }

    /// "Examples: Signature Calculations" of the S3 API reference; bucket `examplebucket`.
    static let guide: [Vector] = [
        Vector(
            name: "GET of a range",
            path: "/test.txt",
            headers: ["Range": "bytes=0-9", "x-amz-content-sha256": hex(sha256(""))],
            signed: "host;range;x-amz-content-sha256;x-amz-date",
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        ),
        Vector(
            name: "PUT of an object",
            method: "PUT",
            path: "/test%24file.text",
            headers: [
                "Date": "Fri, 24 May 2013 00:00:00 GMT",
                "x-amz-storage-class": "REDUCED_REDUNDANCY",
                "x-amz-content-sha256": hex(sha256("Welcome to Amazon S3.")),
            ],
            signed: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        ),
        Vector(
            name: "GET of the lifecycle",
            query: [("lifecycle", "")],
            headers: ["x-amz-content-sha256": hex(sha256(""))],
            signed: "host;x-amz-content-sha256;x-amz-date",
            signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        ),
        Vector(
            name: "GET of a listing",
            query: [("max-keys", "2"), ("prefix", "J")],
            headers: ["x-amz-content-sha256": hex(sha256(""))],
            signed: "host;x-amz-content-sha256;x-amz-date",
            signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        ),
    ]

    @Test(arguments: guide)
    func theGuidesRequestsAreSignedAsItSays(vector: Vector) throws {
        let credentials = S3Credentials(
            accessKey: "AKIAIOSFODNN7EXAMPLE",
            secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
        )
        var headers = vector.headers
        headers["Host"] = "examplebucket.s3.amazonaws.com"
        headers["x-amz-date"] = "20130524T000000Z"
        let signature = Signature(credentials: credentials, region: "us-east-1")
        let found = signature.authorization(
            Signature.Subject(
                method: vector.method,
                path: vector.path,
                query: vector.query,
                headers: headers,
                payload: try #require(headers["x-amz-content-sha256"])
            ),
            at: Timestamp(seconds: 1_369_353_600)
        )
        #expect(found.hasSuffix("SignedHeaders=\(vector.signed), Signature=\(vector.signature)"))
    }
}
