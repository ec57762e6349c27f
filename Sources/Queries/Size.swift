/// A number of bytes with a unit: `K` and `KiB` are 1024, `KB` is 1000; in either case.
enum Size {
    private static let prefixes = Array("kmgtpe".utf8)

    static func parse(_ text: String) -> Double? {
        let lower = text.lowercased()
        let number = lower.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let value = Number.parse(number) else { return nil }
        let unit = Array(lower.dropFirst(number.count).utf8)
        if unit.isEmpty || unit == Array("b".utf8) { return value }
        guard let power = prefixes.firstIndex(of: unit[0]) else { return nil }
        let base: Double
        switch unit.dropFirst() {
        case [], Array("ib".utf8)[...]: base = 1024
        case Array("b".utf8)[...]: base = 1000
        default: return nil
        }
        return (0...power).reduce(value) { product, _ in product * base }
    }
}
