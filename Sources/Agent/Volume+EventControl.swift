import Base
import Metadata
public import Volumes
public import Wire

extension Volume {
    public func events(after seq: Int64?) throws(Problem) -> EventSource {
        let bounds = try about("the change log") { () throws(Errno) in try changeBounds() }
        var position = seq ?? bounds.newest
        guard position <= bounds.newest else {
            let newest = "the newest change is \(bounds.newest)"
            throw Problem(.unusable, "There is no change \(position): \(newest).")
        }
        var lost: Event?
        if position < bounds.oldest - 1 {
            lost = Event(seq: bounds.oldest - 1, time: Moment(.now()), kind: Event.lost)
            lost?.since = position
            position = bounds.oldest - 1
        }
        return EventSource(start: position, lost: lost, mark: { [self] in changeMark }) {
            [self] seq throws(Problem) in
            let page = try about("the change log") { () throws(Errno) in
                try changes(after: seq, limit: Endpoint.largestPage)
            }
            return page.map(StoredEvent.init)
        }
    }
}

extension StoredEvent {
    fileprivate init(_ change: Change) {
        seq = change.seq
        kind = change.kind.rawValue
        let time = "\"seq\":\(change.seq),\"time\":\"\(Moment(change.time))\""
        // The payload is an object with one member at least.
        json = "{\"kind\":\"\(kind)\",\(time)," + change.payload.dropFirst()
    }
}
