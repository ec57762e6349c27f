import TestSupport
import Testing

@Suite struct S3ServerTests {
    @Test(arguments: S3Server.Kind.allCases)
    func aStoppedServerComesBackWithItsObjects(kind: S3Server.Kind) throws {
        let server = try S3Server(kind)
        let bucket = try server.makeBucket()
        try server.client("rcat", "s3:\(bucket)/a b", input: "/etc/hostname")
        try server.stop()
        #expect(throws: ScriptFailure.self) {
            try server.client("cat", "s3:\(bucket)/a b", "--retries=1", "--low-level-retries=1")
        }
        try server.start()
        let text = try server.client("cat", "s3:\(bucket)/a b")
        #expect(try text == shell("cat /etc/hostname"))
    }
}
