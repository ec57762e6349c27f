import Testing

@testable import Stores

/// Where keys come from, with an environment and files made up for the test.
@Suite struct KeySourceTests {
    private let files = [
        "/h/.aws/credentials": """
        # a comment
        [default]
        aws_access_key_id = file-key
        aws_secret_access_key=file/secret+=

        [work]
        aws_access_key_id=work-key
        aws_secret_access_key=work-secret
        aws_session_token = token==
        [half]
        aws_access_key_id=half-key
        """,
        "/h/.aws/config": """
        [default]
        region = eu-central-1
        aws_access_key_id = other
        [profile  work]\r
          region=us-west-2\r
        [profile half]
        aws_secret_access_key = half-secret
        [sso]
        sso_session = x
        """,
        "/elsewhere": "[work]\naws_access_key_id = A\naws_secret_access_key = B",
    ]

    private func resolve(
        _ source: S3CredentialsSource,
        _ environment: [String: String] = [:]
    ) throws -> S3CredentialsSource.Found {
        let environment = environment.merging(["HOME": "/h"]) { first, _ in first }
        return try source.resolve(environment: { environment[$0] }, file: { files[$0] })
    }

    private func keys(_ access: String, _ secret: String, _ token: String? = nil) -> S3Credentials {
        S3Credentials(accessKey: access, secretKey: secret, sessionToken: token)
    }

    @Test func theEnvironmentComesFirst() throws {
        let found = try resolve(
            .environment,
            [
                "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t",
                "AWS_DEFAULT_REGION": "r", "AWS_PROFILE": "work",
            ]
        )
        #expect(found.credentials == keys("k", "s", "t") && found.region == "r")
    }

    @Test func halfAnEnvironmentIsNone() throws {
        let found = try resolve(.environment, ["AWS_ACCESS_KEY_ID": "k"])
        #expect(found.credentials == keys("file-key", "file/secret+="))
        #expect(found.region == "eu-central-1")
    }

    @Test func aProfileIsNamedByTheEnvironmentOrByUs() throws {
        for found in [
            try resolve(.environment, ["AWS_PROFILE": "work"]), try resolve(.profile("work")),
        ] {
            #expect(found.credentials == keys("work-key", "work-secret", "token=="))
            #expect(found.region == "us-west-2")
        }
        let region = try resolve(.environment, ["AWS_PROFILE": "work", "AWS_REGION": "r"]).region
        #expect(region == "r")
    }

    @Test func aProfileMayLieInBothFiles() throws {
        #expect(try resolve(.profile("half")).credentials == keys("half-key", "half-secret"))
    }

    @Test func theFilesMayLieElsewhere() throws {
        let found = try resolve(.profile("work"), ["AWS_SHARED_CREDENTIALS_FILE": "/elsewhere"])
        #expect(found.credentials == keys("A", "B") && found.region == "us-west-2")
    }

    @Test(arguments: ["none", "sso", ""])
    func aProfileWithoutKeysIsAnError(name: String) {
        #expect(throws: StoreError.denied("no keys in profile \(name)")) {
            try resolve(.profile(name))
        }
    }

    @Test func keysOfOursNeedNothingElse() throws {
        let found = try resolve(.keys(keys("a", "b")), ["AWS_ACCESS_KEY_ID": "k"])
        #expect(found.credentials == keys("a", "b") && found.region == nil)
    }

    @Test func nobodySeesAKey() {
        let secret = keys("visible-access", "visible-secret", "visible-token")
        var dumped = ""
        dump(secret, to: &dumped)
        for text in [
            "\(secret)", String(reflecting: secret), dumped, "\(S3CredentialsSource.keys(secret))",
        ] {
            #expect(!text.contains("visible"), "\(text)")
        }
    }
}
