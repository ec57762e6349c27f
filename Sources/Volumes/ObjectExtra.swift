import FoundationEssentials
import Metadata
import Stores

/// What an object carries besides its POSIX attributes, kept to be written back with it.
struct ObjectExtra: Codable, Equatable {
    var contentType: String?
    var other: [String: String]?

    /// `nil` where there is nothing to keep.
    init?(_ attributes: ObjectAttributes) {
        contentType = attributes.contentType
        other = attributes.other.isEmpty ? nil : attributes.other
        if contentType == nil, other == nil { return nil }
    }

    init?(_ text: String?) {
        guard let text, let found = try? JSONDecoder().decode(Self.self, from: Data(text.utf8))
        else {
            return nil
        }
        self = found
    }

    /// What is still true of other bytes: rclone and s3cmd note what theirs sum up to.
    func withoutDigests() -> ObjectExtra {
        var rest = self
        for name in ["md5chksum", "s3cmd-attrs"] { rest.other?[name] = nil }
        return rest
    }

    var text: String? {
        (try? JSONEncoder().encode(self)).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension ObjectAttributes {
    /// What a file's object is to be told.
    init(of file: File) {
        let extra = ObjectExtra(file.extra)
        self.init(
            mode: file.mode,
            owner: file.owner,
            group: file.group,
            modified: file.modified,
            contentType: extra?.contentType,
            other: extra?.other ?? [:]
        )
    }
}

extension File {
    /// Its bytes will be others: a new generation, of which nothing is true that others noted of the last.
    mutating func changeBytes() {
        data += 1
        extra = ObjectExtra(extra)?.withoutDigests().text
    }
}
