import Base
import Cache
import Stores
public import Volumes
public import Wire

extension Volume {
    public func metrics() throws(Problem) -> Metrics {
        let summary = try about("the volume") { () throws(Errno) in try self.summary() }
        var metrics = Metrics()
        metrics.begin("gosync_build_info", .gauge, "The version that runs.")
        metrics.add("gosync_build_info", ["version": Release.version], 1)
        addOperations(to: &metrics)
        addCache(summary, to: &metrics)
        addRequests(to: &metrics)
        addWork(summary, to: &metrics)
        addLog(to: &metrics)
        return metrics
    }

    private func addOperations(to metrics: inout Metrics) {
        let taken = "gosync_operation_duration_seconds"
        metrics.begin(taken, .histogram, "What the kernel asked, and how long that took.")
        for (operation, durations) in operations.durations {
            metrics.add(taken, ("operation", operation.name), durations)
        }
        let errors = "gosync_operation_errors_total"
        metrics.begin(errors, .counter, "Operations that ended with an error, by its name.")
        for (error, count) in operations.errors {
            metrics.add(errors, ["error": error.name], count)
        }
    }

    private func addCache(_ summary: VolumeSummary, to metrics: inout Metrics) {
        let reads = "gosync_cache_reads_total"
        metrics.begin(reads, .counter, "Reads by whether all was here, or had to be waited for.")
        metrics.add(reads, ["result": "hit"], cacheMeter.hits.value)
        metrics.add(reads, ["result": "miss"], cacheMeter.misses.value)
        let counters = [
            (
                "gosync_cache_read_bytes_total", "Bytes read through the cache.",
                cacheMeter.readBytes
            ),
            (
                "gosync_cache_fetched_bytes_total", "Bytes brought into the cache from stores.",
                cacheMeter.fetchedBytes
            ),
        ]
        for (name, help, counter) in counters { metrics.add(name, .counter, help, counter.value) }
        let gauges = [
            ("gosync_cache_used_bytes", "Disk that the cache takes.", summary.cacheBytes),
            ("gosync_cache_size_bytes", "Disk that the cache may take.", summary.cacheSizeBytes),
            (
                "gosync_cache_dirty_bytes", "Bytes of files with changes that no store has yet.",
                summary.pendingBytes
            ),
        ]
        for (name, help, value) in gauges { metrics.add(name, .gauge, help, Int(value)) }
    }

    private func addRequests(to metrics: inout Metrics) {
        let loads = backendLoads
        let requests = "gosync_store_requests_total"
        metrics.begin(
            requests,
            .counter,
            "Requests to stores by method and status, 0 for no answer."
        )
        for load in loads {
            for (kind, count) in load.requests?.counts ?? [] {
                let labels: Metrics.Labels = [
                    "backend": load.name, "method": kind.method, "status": "\(kind.status)",
                ]
                metrics.add(requests, labels, count)
            }
        }
        let taken = "gosync_store_request_duration_seconds"
        metrics.begin(taken, .histogram, "How long requests took, by backend.")
        for load in loads {
            guard let durations = load.requests?.durations.snapshot else { continue }
            metrics.add(taken, ("backend", load.name), durations)
        }
        for (name, help, bytes) in [
            ("gosync_store_sent_bytes_total", "Bytes of bodies sent.", \RequestMeter.sentBytes),
            ("gosync_store_received_bytes_total", "Bytes of bodies got.", \.receivedBytes),
        ] {
            metrics.begin(name, .counter, help)
            for load in loads {
                guard let requests = load.requests else { continue }
                metrics.add(name, ["backend": load.name], requests[keyPath: bytes].value)
            }
        }
        metrics.begin("gosync_backend_reachable", .gauge, "Whether the last request was answered.")
        for load in loads {
            metrics.add(
                "gosync_backend_reachable",
                ["backend": load.name],
                load.isReachable ? 1 : 0
            )
        }
        for (name, help, number) in [
            ("gosync_queue_running", "Threads that are busy.", { $0.running }),
            ("gosync_queue_depth", "Jobs that wait for a thread.", { $0.queued }),
        ] as [(String, String, ((name: String, running: Int, queued: Int)) -> Int)] {
            metrics.begin(name, .gauge, help)
            for load in loads {
                for queue in load.queues {
                    let labels: Metrics.Labels = ["backend": load.name, "queue": queue.name]
                    metrics.add(name, labels, number(queue))
                }
            }
        }
    }

    private func addWork(_ summary: VolumeSummary, to metrics: inout Metrics) {
        let pending = "gosync_pending_objects"
        metrics.begin(pending, .gauge, "Objects that a store has yet to get, or to lose.")
        for backend in summary.backends {
            metrics.add(pending, ["backend": backend.name], Int(backend.pending))
        }
        let failed = "gosync_failed_objects"
        metrics.begin(failed, .gauge, "Those of them that failed when last tried.")
        for backend in summary.backends {
            metrics.add(failed, ["backend": backend.name], Int(backend.failed))
        }
        for (name, help, value) in [
            ("gosync_files", "Files and directories known.", summary.files),
            ("gosync_tags", "Tags on them.", summary.tags),
            ("gosync_filters", "Filters stored.", summary.filters),
        ] {
            metrics.add(name, .gauge, help, Int(value))
        }
    }

    private func addLog(to metrics: inout Metrics) {
        let lines = "gosync_log_lines_total"
        metrics.begin(lines, .counter, "Lines written to the log, by level.")
        for level in Log.Level.allCases {
            metrics.add(lines, ["level": "\(level)"], Log.count(level))
        }
        let dropped = "Spans that the collector of traces did not take."
        metrics.add("gosync_spans_dropped_total", .counter, dropped, Tracing.dropped.value)
    }
}
