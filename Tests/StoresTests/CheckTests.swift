import Base
import Stores
import TestSupport
import Testing

/// What a person is told who got an address, a key or a name wrong.
@Suite struct CheckTests {
    private func error(
        _ kind: S3Server.Kind,
        _ change: (inout S3Configuration) -> Void
    ) throws -> StoreError? {
        let server = try S3Server.shared(kind)
        var configuration = S3Configuration(
            endpoint: server.endpoint,
            bucket: try server.makeBucket(),
            credentials: .keys(
                S3Credentials(accessKey: server.accessKey, secretKey: server.secretKey)
            )
        )
        change(&configuration)
        let store = try S3Store(configuration)
        defer { store.close() }
        do throws(StoreError) {
            try store.check()
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: S3Server.Kind.allCases)
    func aMissingBucketIsNamed(kind: S3Server.Kind) throws {
        #expect(try error(kind) { $0.bucket = "nobody-made-this" } == .noBucket("nobody-made-this"))
    }

    @Test(arguments: S3Server.Kind.allCases)
    func aWrongSecretIsDenied(kind: S3Server.Kind) throws {
        let error = try error(kind) {
            $0.credentials = .keys(S3Credentials(accessKey: "testkey", secretKey: "not-it"))
        }
        #expect(error == .denied("SignatureDoesNotMatch"))
    }

    @Test(arguments: S3Server.Kind.allCases)
    func anUnknownKeyIsDenied(kind: S3Server.Kind) throws {
        let error = try error(kind) {
            $0.credentials = .keys(S3Credentials(accessKey: "unknown-key", secretKey: "not-it"))
        }
        #expect(error == .denied("InvalidAccessKeyId"))
    }

    @Test func nobodyAtTheAddressIsUnreachable() throws {
        let error = try error(.rclone) { $0.endpoint = "http://127.0.0.1:1" }
        guard case .unavailable(let reason) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("127.0.0.1:1"))
    }

    @Test func somethingElseAtTheAddressIsNoStore() throws {
        let page = try ScriptedServer { _ in .ok(Array("<html>Welcome</html>".utf8)) }
        let error = try error(.rclone) { $0.endpoint = page.url }
        guard case .malformed = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func aBucketElsewhereIsToldWithItsRegion() throws {
        let server = try ScriptedServer { _ in
            .answer(301, headers: ["x-amz-bucket-region": "eu-north-1"])
        }
        let error = try error(.rclone) {
            $0.endpoint = server.url
            $0.bucket = "b"
        }
        #expect(error == .invalid("bucket b is in region eu-north-1"))
    }

    /// 1,000 keys go in one request, and a caller who brings more is told.
    @Test func tooManyKeysAtOnceAreRefused() throws {
        let open = try StoreCase.rclone.make()
        #expect(throws: StoreError.invalid("1001 keys at once")) {
            try open.store.delete((0...1000).map { Key("\($0)") })
        }
    }
}
