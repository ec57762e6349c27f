import Base
import CFUSE
import Volumes

/// An operation under way: two looks at the clock tell how long it took.
struct MeasuredOperation: Sendable {
    private let operation: Operation
    private let meter: OperationMeter
    private let start = monotonicSeconds()
    /// What is told of it to a collector of traces, if there is one.
    let traced: TracedOperation?

    init(_ operation: Operation, _ request: fuse_req_t?) {
        self.operation = operation
        meter =
            Unmanaged<Volume>.fromOpaque(fuse_req_userdata(request)).takeUnretainedValue()
            .operations
        traced = Tracing.isOn ? TracedOperation(operation.name) : nil
    }

    func end() {
        meter.add(operation, seconds: monotonicSeconds() - start)
        traced?.end()
    }
}

/// Runs a handler that never waits for a store.
func measure(_ operation: Operation, _ request: fuse_req_t?, _ body: () -> Void) {
    let measured = MeasuredOperation(operation, request)
    body()
    measured.end()
}
