import Base
import Testing

@testable import Stores

/// Where keys come from, and where they never show.
@Suite struct CredentialsTests {
    private static let files = [
        "/home/me/.aws/credentials": """
        # a comment
        [default]
        aws_access_key_id = A1
        aws_secret_access_key=s1=/+
        [ work ]
        aws_access_key_id = A2
        aws_secret_access_key = s2
        aws_session_token = t2
        """,
        "/home/me/.aws/config": """
        [default]
        region = eu-west-1
        [profile work]
        region = ap-south-1
        aws_access_key_id = ignored
        [profile only-here]
        aws_access_key_id = A3
        aws_secret_access_key = s3
        [profile half]
        aws_access_key_id = A4
        """,
        "/elsewhere": "[default]\naws_access_key_id=A5\naws_secret_access_key=s5\n",
    ]

    private func resolve(
        _ source: S3CredentialsSource,
        _ environment: [String: String] = [:]
    ) throws -> (credentials: S3Credentials, region: String?) {
        let environment = environment.merging(["HOME": "/home/me"]) { $1 }
        return try source.resolve(environment: { environment[$0] }, file: { Self.files[$0] })
    }

    @Test func aProfileIsReadFromBothFiles() throws {
        let work = try resolve(.profile("work"))
        #expect(
            work.credentials == S3Credentials(accessKey: "A2", secretKey: "s2", sessionToken: "t2")
        )
        #expect(work.region == "ap-south-1")
        #expect(try resolve(.profile("only-here")).credentials.accessKey == "A3")
        #expect(try resolve(.profile("default")).credentials.secretKey == "s1=/+")
        #expect(throws: StoreError.denied("no keys in profile half")) {
            try resolve(.profile("half"))
        }
        #expect(throws: StoreError.denied("no keys in profile none")) {
            try resolve(.profile("none"))
        }
    }

    @Test func theEnvironmentComesBeforeTheFiles() throws {
        let keys = [
            "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
        ]
        let found = try resolve(.environment, keys.merging(["AWS_REGION": "r"]) { $1 })
        #expect(
            found.credentials == S3Credentials(accessKey: "A", secretKey: "s", sessionToken: "t")
        )
        #expect(found.region == "r")
        #expect(try resolve(.environment).credentials.accessKey == "A1")
        #expect(try resolve(.environment).region == "eu-west-1")
        #expect(try resolve(.environment, ["AWS_PROFILE": "work"]).credentials.accessKey == "A2")
        let other = ["AWS_SHARED_CREDENTIALS_FILE": "/elsewhere"]
        #expect(try resolve(.environment, other).credentials.accessKey == "A5")
    }

    @Test func nothingPrintsKeys() throws {
        let keys = S3Credentials(accessKey: "PUBLIC", secretKey: "HIDDEN", sessionToken: "TOKEN")
        let configuration = S3Configuration(
            endpoint: "http://127.0.0.1:1",
            bucket: "bucket",
            credentials: .keys(keys)
        )
        var dumped = ""
        dump(configuration, to: &dumped)
        let texts = ["\(keys)", String(reflecting: keys), "\(configuration)", dumped]
        for text in texts {
            #expect(!text.contains("HIDDEN") && !text.contains("TOKEN") && !text.contains("PUBLIC"))
        }
    }

    @Test(arguments: [
        ("http://127.0.0.1:9000", true, "http", "127.0.0.1:9000", "/b/k%20%2B"),
        ("HTTPS://Example.COM:443/", true, "https", "example.com", "/b/k%20%2B"),
        ("https://example.com/base/", false, "https", "b.example.com", "/base/k%20%2B"),
        ("", false, "https", "b.s3.eu-west-1.amazonaws.com", "/k%20%2B"),
    ])
    func anEndpointBecomesAnAddress(
        endpoint: String,
        pathStyle: Bool,
        scheme: String,
        authority: String,
        path: String
    ) throws {
        let configuration = S3Configuration(
            endpoint: endpoint,
            bucket: "b",
            credentials: .environment,
            pathStyle: pathStyle
        )
        let address = try S3Address(configuration, region: "eu-west-1")
        #expect(address.scheme == scheme && address.authority == authority)
        #expect(address.path("k +") == path)
    }

    @Test(arguments: ["ftp://x", "localhost:9000", "http://", "http://user@host/", "http:/x"])
    func otherEndpointsAreRefused(endpoint: String) {
        let configuration = S3Configuration(
            endpoint: endpoint,
            bucket: "b",
            credentials: .environment
        )
        #expect(throws: StoreError.self) { try S3Address(configuration, region: "r") }
    }
}
