import Base
import Metadata
public import Volumes
public import Wire

extension Volume {
    public func filters() throws(Problem) -> [Wire.Filter] {
        try aboutFilter("the filters") { () throws(VolumeProblem) in
            try filterDescriptions().map(Wire.Filter.init)
        }
    }

    public func filter(at path: String) throws(Problem) -> Wire.Filter {
        let found = try aboutFilter(path) { () throws(VolumeProblem) in
            try filterDescription(at: path)
        }
        guard let found else {
            let advice = "'gosync filter list' shows those there are"
            throw Problem(.notFound, "\(path): there is no such filter; \(advice)")
        }
        return Wire.Filter(found)
    }

    public func createFilter(_ filter: Wire.Filter) throws(Problem) -> Wire.Filter {
        try aboutFilter(filter.path) { () throws(VolumeProblem) in
            try createFilter(FilterDescription(filter))
        }
        return try self.filter(at: filter.path)
    }

    public func updateFilter(
        at path: String,
        _ change: FilterDraft
    ) throws(Problem) -> Wire.Filter {
        var new = try filter(at: path)
        new.path = change.path ?? new.path
        new.query = change.query ?? new.query
        new.layout = change.layout ?? new.layout
        new.names = change.names ?? new.names
        new.case = change.case ?? new.case
        new.assert = change.assert ?? new.assert
        new.unlink = change.unlink ?? new.unlink
        let description = FilterDescription(new)
        try aboutFilter(path) { () throws(VolumeProblem) in
            try updateFilter(at: path, to: description)
        }
        return try filter(at: new.path)
    }

    public func deleteFilter(at path: String) throws(Problem) -> Wire.Filter {
        let old = try filter(at: path)
        // The volume's own call of this name returns nothing.
        try aboutFilter(path) { () throws(VolumeProblem) -> Void in try deleteFilter(at: path) }
        return old
    }

    public func testFilter(_ query: String, limit: Int) throws(Problem) -> FilterTest {
        try aboutFilter("the query") { () throws(VolumeProblem) in
            let begin = monotonicSeconds()
            let (count, warnings) = try test(query)
            let seconds = monotonicSeconds() - begin
            return FilterTest(
                query: query,
                count: count,
                files: try search(query, after: 0, limit: limit).map(Match.init),
                warnings: warnings,
                seconds: seconds
            )
        }
    }

    private func aboutFilter<R>(
        _ path: String,
        _ body: () throws(VolumeProblem) -> R
    ) throws(Problem) -> R {
        do throws(VolumeProblem) {
            return try body()
        } catch {
            throw Problem(error, path: path)
        }
    }
}

extension Problem {
    init(_ problem: VolumeProblem, path: String) {
        switch problem {
        case .query(let text): self.init(.unusable, text)
        case .configured:
            let advice = "change it there, and mount again"
            self.init(.conflict, "\(path): this filter stands in the configuration; \(advice)")
        case .errno(.exists):
            let advice = "'gosync filter update' changes one"
            self.init(.conflict, "\(path): there is something of that name already; \(advice)")
        case .errno(.notPermitted):
            let why = "a filter of the configuration is in the way"
            self.init(.conflict, "\(path): this is not possible: \(why)")
        case .errno(let error): self.init(error, path: path)
        }
    }
}

extension Wire.Filter {
    init(_ filter: FilterDescription) {
        self.init(
            path: filter.path,
            query: filter.query,
            layout: filter.layout == .tree ? .tree : .flat,
            names: filter.names == .always ? .always : .collide,
            case: filter.folds ? .fold : .exact,
            assert: filter.asserts,
            unlink: filter.untags ? .untag : .refuse,
            source: filter.isConfigured ? .configuration : .stored,
            error: filter.problem
        )
    }
}

extension FilterDescription {
    init(_ filter: Wire.Filter) {
        self.init(
            path: filter.path,
            query: filter.query,
            layout: filter.layout == .tree ? .tree : .flat,
            names: filter.names == .always ? .always : .collide,
            folds: filter.case == .fold,
            asserts: filter.assert,
            untags: filter.unlink == .untag,
            isConfigured: false
        )
    }
}
