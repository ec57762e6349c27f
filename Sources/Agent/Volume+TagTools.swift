import Base
import FoundationEssentials
import Metadata
public import Volumes
public import Wire

extension Volume {
    public func changeTags(
        _ change: BulkTagChange,
        telling: Telling
    ) throws(Problem) -> ChangedFiles {
        let changes = Self.changes(
            remove: change.remove ?? [],
            set: change.set ?? [],
            add: change.add ?? []
        )
        let targets =
            change.query.map { TagTargets.query($0) }
            ?? .paths(change.paths ?? [], recursive: change.recursive ?? false)
        do throws(VolumeProblem) {
            let files = try self.change(changes, of: targets, telling: telling)
            return ChangedFiles(files: files)
        } catch {
            throw Problem(error, path: "the tags")
        }
    }

    public func tagAutomatically(
        _ request: AutoTag,
        telling: Telling
    ) throws(Problem) -> ChangedFiles {
        do throws(VolumeProblem) {
            switch request.by {
            case .path:
                let proposals = try proposedTags(
                    at: request.path,
                    replacing: request.replace ?? false
                )
                guard !(request.dryRun ?? false) else {
                    let first = proposals.prefix(Endpoint.largestPage).map { one in
                        FileTags(path: one.path, tags: Self.grouped(one.tags))
                    }
                    return ChangedFiles(files: proposals.count, proposed: first)
                }
                return ChangedFiles(files: try accept(proposals, telling: telling))
            }
        } catch {
            throw Problem(error, path: request.path)
        }
    }

    public func tagKeys() throws(Problem) -> TagUse {
        try about("the tags") { () throws(Errno) in
            let keys: [TagCount] = try tagKeys()
            return TagUse(counts: keys.map { TagUse.Count(text: $0.text, files: $0.files) })
        }
    }

    public func tagValues(_ key: String) throws(Problem) -> TagUse {
        try about("the tags") { () throws(Errno) in
            let values: [TagCount] = try tagValues(key)
            return TagUse(counts: values.map { TagUse.Count(text: $0.text, files: $0.files) })
        }
    }

    public func renameTag(_ rename: TagRename, telling: Telling) throws(Problem) -> ChangedFiles {
        do throws(VolumeProblem) {
            let files = try renameTag(rename.key, to: rename.new, telling: telling)
            return ChangedFiles(files: files)
        } catch {
            throw Problem(error, path: "the tag \(rename.key)")
        }
    }

    public func exportTags(after: String?, limit: Int) throws(Problem) -> TaggedFiles {
        let cookie = try Self.cookie(after)
        return try about("the tags") { () throws(Errno) in
            let (files, next) = try taggedFiles(after: cookie, limit: limit)
            return TaggedFiles(
                files: files.map { path, file in
                    let attributes = file.attributes.map { name, value in
                        Wire.TaggedFile.Attribute(
                            name: name,
                            base64: Data(value).base64EncodedString()
                        )
                    }
                    return Wire.TaggedFile(
                        path: path,
                        tags: Self.grouped(file.tags),
                        attributes: attributes.isEmpty ? nil : attributes
                    )
                },
                next: next.map { "\($0)" }
            )
        }
    }

    public func importTags(_ files: TaggedFiles) throws(Problem) -> ImportedTags {
        let lines = files.files.map { file in
            (
                path: file.path,
                tags: file.tags.flatMap { tag in tag.values.map { StoredTag(tag.key, $0) } },
                attributes: (file.attributes ?? []).map { attribute in
                    (
                        name: attribute.name,
                        value: Data(base64Encoded: attribute.base64).map(Array.init) ?? []
                    )
                }
            )
        }
        return try about("the tags") { () throws(Errno) in
            let missing = try restore(lines)
            return ImportedTags(files: lines.count - missing.count, missing: missing)
        }
    }

    public func explain(_ query: String) throws(Problem) -> QueryPlan {
        do throws(VolumeProblem) {
            let found: QueryExplanation = try explain(query)
            return QueryPlan(
                query: query,
                tree: found.tree,
                sql: found.sql,
                plan: found.plan,
                rows: found.rows,
                warnings: found.warnings
            )
        } catch {
            throw Problem(error, path: "the query")
        }
    }
}
