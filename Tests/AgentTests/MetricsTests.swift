import Agent
import Base
import TestSupport
import Testing
import Volumes

struct MetricsTests {
    @Test func whatIsWrittenIsWhatAMonitoringSystemReads() throws {
        let histogram = Histogram()
        for seconds in [0.000_001, 0.5, 1000] { histogram.add(seconds: seconds) }
        var metrics = Metrics()
        metrics.begin("requests_total", .counter, "Requests.")
        metrics.add("requests_total", ["name": "a \"b\"\\\n,c", "status": "200"], 7)
        metrics.add("requests_total", ["name": "", "status": "200"], 1)
        metrics.begin("taken_seconds", .histogram, "How long.")
        metrics.add("taken_seconds", ("kind", "read"), histogram.snapshot)
        metrics.add("size_bytes", .gauge, "Bytes.", 1 << 40)
        let read = try PrometheusText(metrics.text)
        #expect(read.sum("requests_total", ["status": "200"]) == 8)
        #expect(read.sum("requests_total", ["name": "a \\\"b\\\"\\\\\\n,c"]) == 7)
        #expect(read.sum("taken_seconds_count") == 3)
        #expect(read.sum("taken_seconds_bucket", ["le": "1.048576"]) == 2)
        #expect(read.sum("size_bytes") == Double(1 << 40))
    }

    @Test func operationsAreCalledAsTheKernelCallsThem() {
        let names = Operation.allCases.map(\.name)
        #expect(names.contains("copy_file_range") && names.contains("readdirplus"))
        #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0 == "_" } })
        #expect(Set(names).count == names.count)
    }

    @Test(arguments: [
        "a 1", "# HELP a x\n# TYPE a gauge\nb 1\n", "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
        "# HELP a x\n# TYPE a counter\na 1\n", "# HELP a x\n# TYPE a gauge\na{b=\"\n\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na one\n",
    ])
    func theReaderOfTheseTestsSeesMistakes(text: String) {
        #expect(throws: PrometheusText.Mistake.self) { _ = try PrometheusText(text) }
    }
}
