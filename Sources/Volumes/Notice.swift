public import Base

/// Something that the kernel may remember and that is no longer so.
public enum Notice: Hashable, Sendable {
    /// What a name stands for, or that it stands for nothing.
    case name(Name, in: UInt64)
    /// The attributes of an inode; its bytes never change without the kernel.
    case attributes(of: UInt64)
    /// More names than are worth telling one by one.
    case allNames
}

/// Notices that wait to be told, each once: a plain value.
struct NoticeQueue: Sendable {
    private var waiting: [Notice] = []
    private var known: Set<Notice> = []
    private(set) var hasEnded = false

    /// Beyond this, names become `allNames`, and attributes are left to expire by themselves.
    static let limit = 4096

    mutating func add(_ notice: Notice) {
        guard !hasEnded, !known.contains(.allNames) || !notice.isOfName else { return }
        guard known.count >= Self.limit else {
            if known.insert(notice).inserted { waiting.append(notice) }
            return
        }
        guard notice.isOfName else { return }
        waiting.removeAll(where: \.isOfName)
        waiting.append(.allNames)
        known = Set(waiting)
    }

    /// Everything that waits; `nil` while there is nothing.
    mutating func take() -> [Notice]? {
        guard !waiting.isEmpty else { return nil }
        defer {
            waiting = []
            known = []
        }
        return waiting
    }

    mutating func end() {
        self = NoticeQueue()
        hasEnded = true
    }
}

extension Notice {
    fileprivate var isOfName: Bool {
        if case .attributes = self { false } else { true }
    }
}
