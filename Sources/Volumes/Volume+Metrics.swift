import Base
public import Cache
public import Stores

extension Volume {
    /// What is on its way to a backend, and what was asked of it.
    public struct BackendLoad: Sendable {
        public var name: String
        /// Jobs by kind, those running and those that wait for a thread.
        public var queues: [(name: String, running: Int, queued: Int)]
        public var isReachable: Bool
        /// `nil` where there is no network in between.
        public var requests: RequestMeter?
    }

    public var backendLoads: [BackendLoad] {
        backends.values.sorted { $0.name < $1.name }.map { backend in
            let bulkhead = backend.bulkhead
            let queues = [
                ("wait", bulkhead.waiters), ("deliver", bulkhead.deliverers),
                ("upload", bulkhead.uploaders), ("fetch", bulkhead.fetchers),
                ("look", bulkhead.lookers), ("list", backend.listers),
            ]
            return BackendLoad(
                name: backend.name.text,
                queues: queues.map { name, workers in
                    let load = workers.load
                    return (name, load.running, load.queued)
                },
                isReachable: !backend.isOutOfReach,
                requests: backend.store.requests
            )
        }
    }

    public var cacheMeter: CacheMeter { cache.meter }
}
