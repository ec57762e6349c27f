import Base
import Cache
import Metadata
import SQLite
import Stores

extension Volume {
    /// Completes an entry whose attributes were guessed from a listing, by asking for the object.
    ///
    /// The first bytes come along where that costs little, because who looks at one file often reads it
    /// next. Where the store cannot be reached, the guess stands. An object that turns out to be of
    /// another kind or version becomes a new file.
    ///
    /// - Parameter withBytes: without, the object is asked for its attributes only.
    func learned(
        _ entry: Entry,
        _ file: File,
        withBytes: Bool = true
    ) throws(Errno) -> (Entry, File) {
        guard !file.isKnown, !asksNoStore, let key = entry.key ?? markerKey(of: entry, file),
            let backend = try backend(of: file)
        else { return (entry, file) }
        let look: Look
        do throws(StoreError) {
            look = try self.look(at: key, file, backend, withBytes: withBytes)
        } catch {
            switch error {
            case .missing:
                if file.isDirectory { return (entry, try markKnown(file)) }
                try vanish(entry)
                throw .noEntry
            case .unavailable, .malformed: return (entry, file)
            default: throw Errno(error)
            }
        }
        let (now, learned) = try adopt(look.info, target: look.target, for: entry.id)
        if learned.kind == .regular, !look.bytes.isEmpty, now.etag == look.info.etag {
            firstBytes.update { $0.hold(look.bytes, of: learned.id, etag: look.info.etag) }
        }
        return (now, learned)
    }

    /// A file whose attributes are not guessed, because they are about to be changed, or to be another's too.
    ///
    /// - Throws: `ESTALE` if its object is another kind of file or version, whose name has to be looked up anew.
    func known(_ file: File) throws(Errno) -> File {
        guard !file.isKnown, let entry = try entries(of: file.id).first else { return file }
        let learned = try learned(entry, file).1
        guard learned.id == file.id else { throw .stale }
        guard learned.isKnown else { throw Errno(StoreError.unavailable("its attributes")) }
        return learned
    }

    /// Learns what an object that is to be written anew, or moved, has besides its bytes: what is sent with
    /// them must not be a guess.
    func learnBeforeSending(_ task: Task, _ key: Key, _ backend: Backend) throws(StoreError) {
        let look: Look?
        do throws(StoreError) {
            look = try self.look(at: key, task.file, backend, withBytes: false)
        } catch {
            guard error == .missing else { throw error }
            look = nil
        }
        try inErrno { () throws(Errno) in
            if let look { _ = try adopt(look.info, target: look.target, for: task.entry.id) }
            try settleGuess(of: task.file.id, look?.info)
        }
    }

    /// Ends the guess about a file that was changed here, or whose object is gone.
    private func settleGuess(of id: FileID, _ info: ObjectInfo?) throws(Errno) {
        try metadata.database.write { (rows) throws(Errno) in
            guard var file = rows.file(id), !file.isKnown else { return }
            let guess = file
            if let info { apply(info, to: &file) }
            if file.kind != guess.kind { file = guess }
            file.size = guess.size
            (file.modified, file.accessed) = (guess.modified, guess.accessed)
            file.changed = guess.changed
            file.extra = ObjectExtra(file.extra)?.withoutDigests().text
            file.isKnown = true
            if file.isShown(otherwiseThan: guess) {
                notify(.attributes(of: UInt64(bitPattern: id)))
            }
            rows.update(file)
        }
        try notePrivileges(of: id)
    }

    /// Takes the attributes that came with bytes of a file which was known from a listing only.
    ///
    /// What turns out to be no regular file stays a guess here: the next look at its name sees to it.
    func learn(_ info: ObjectInfo, of id: FileID) {
        let type = (info.attributes?.mode ?? 0) & 0o170000
        guard type == 0 || type == 0o100000,
            let entry = try? entries(of: id).first(where: { $0.key == info.key }),
            entry.isAttached, entry.etag == info.etag
        else { return }
        _ = try? adopt(info, target: nil, for: entry.id)
    }

    /// Hands on what is already here of a range, and returns the rest of it.
    func takeFirstBytes(
        of id: FileID,
        _ etag: String?,
        _ range: Range<Int64>,
        _ sink: (RawSpan) throws(Errno) -> Void
    ) throws(Errno) -> Range<Int64> {
        guard range.lowerBound < Int64(FirstBytes.longestBytes),
            let bytes = firstBytes.update({ $0.take(of: id, etag: etag) }),
            range.lowerBound < Int64(bytes.count)
        else { return range }
        let end = min(range.upperBound, Int64(bytes.count))
        try unsafe sink(bytes.span.bytes.extracting(Int(range.lowerBound)..<Int(end)))
        return end..<range.upperBound
    }

    private struct Look {
        var info: ObjectInfo
        var bytes: [UInt8] = []
        var target: String?
    }

    private func look(
        at key: Key,
        _ file: File,
        _ backend: Backend,
        withBytes: Bool = true
    ) throws(StoreError) -> Look {
        let count = withBytes ? bytesToLookAt(of: file) : 0
        var look = try firstLook(at: key, count: count, backend)
        guard (look.info.attributes?.mode ?? 0) & 0o170000 == 0o120000 else { return look }
        let size = min(look.info.size, File.longestTarget)
        if Int64(look.bytes.count) < size {
            let etag = look.info.etag
            look = try read(key, count: size, ifMatch: etag, backend)
        }
        look.target = String(decoding: look.bytes.prefix(Int(size)), as: UTF8.self)
        return look
    }

    private func bytesToLookAt(of file: File) -> Int {
        file.isDirectory ? 0 : firstBytes.update { $0.count(of: file.id, size: file.size) }
    }

    private func firstLook(
        at key: Key,
        count: Int,
        _ backend: Backend
    ) throws(StoreError) -> Look {
        if count > 0 {
            do throws(StoreError) {
                return try read(key, count: Int64(count), ifMatch: nil, backend)
            } catch {
                // It may be shorter by now.
                guard case .invalid = error else { throw error }
            }
        }
        return Look(
            info: try backend.request { (store) throws(StoreError) in try store.head(key) }
        )
    }

    private func read(
        _ key: Key,
        count: Int64,
        ifMatch etag: String?,
        _ backend: Backend
    ) throws(StoreError) -> Look {
        var bytes: [UInt8] = []
        let info = try backend.request { (store) throws(StoreError) in
            bytes = []
            return try store.get(key, range: 0..<count, ifMatch: etag) { (part) throws(Errno) in
                part.append(to: &bytes)
            }
        }
        return Look(info: info, bytes: bytes)
    }

    private func markerKey(of entry: Entry, _ file: File) -> Key? {
        guard file.isDirectory else { return nil }
        return try? metadata.database.read { (rows) throws(Errno) in
            rows.wantedKey(of: entry, isDirectory: true)
        }
    }

    private func markKnown(_ file: File) throws(Errno) -> File {
        try metadata.database.write { (rows) throws(Errno) in
            guard var now = rows.file(file.id) else { throw .stale }
            now.isKnown = true
            rows.update(now)
            return now
        }
    }

    /// Takes the object's own word for an entry.
    private func adopt(
        _ info: ObjectInfo,
        target: String?,
        for id: Int64
    ) throws(Errno) -> (Entry, File) {
        var orphan: FileID?
        let result = try metadata.database.write { (rows) throws(Errno) in
            guard var entry = rows.entry(id), let file = rows.file(entry.file) else { throw .stale }
            let isSameObject = entry.etag == info.etag || file.isDirectory
            // Meanwhile learned by another thread, written here, or on its way to another name.
            guard !file.isKnown, entry.storedData >= file.data, entry.storedMeta >= file.meta,
                rows.work(for: id) == nil || isSameObject && (entry.key ?? info.key) == info.key
            else { return (entry, file) }
            var learned = file
            apply(info, to: &learned)
            learned.target = target
            learned.isKnown = true
            if let recorded = info.attributes, file.isRefuted(by: recorded) {
                backends[file.backend]?.trust.update { $0.lose() }
            }
            entry.key = info.key
            let isSame = learned.kind == file.kind && isSameObject
            entry.etag = info.etag
            if isSame {
                if learned.isShown(otherwiseThan: file) {
                    notify(.attributes(of: UInt64(bitPattern: file.id)))
                }
                rows.update(learned)
                rows.update(entry)
                return (entry, learned)
            }
            orphan = replaceFile(of: &entry, with: learned, in: rows)
            return (entry, rows.file(entry.file) ?? learned)
        }
        if let orphan { try reap(orphan) }
        try notePrivileges(of: result.1.id)
        return result
    }
}

extension RawSpan {
    func append(to bytes: inout [UInt8]) {
        unsafe withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }
}
