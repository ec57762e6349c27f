import Base
import CWebSockets
import Synchronization

// Bodies that are longer than a request or answer may be. Threads of their own wait for the store, and
// never for a client; the service's thread hands pieces between them and the connections.

extension Service {
    enum ContentEvent: Sendable {
        /// An upload has taken its piece, or refused the rest.
        case taken(Response?)
        case finished(Response)
        /// The piece of an answer that was asked for; `nil` if it could not be made.
        case made([UInt8]?)
    }

    /// Whether one body more may be under way.
    var hasRoomForContent: Bool {
        exchanges.values.count { $0.hasContent } < Limits.contents
    }

    func take(_ bytes: [UInt8], _ upload: any Upload, _ number: UInt64, _ wsi: OpaquePointer) {
        wait(for: number, wsi)
        contentWorkers.run { [self] in tell(number, .taken(upload.take(bytes))) }
    }

    func finish(_ upload: any Upload, _ number: UInt64, _ wsi: OpaquePointer) {
        wait(for: number, wsi)
        contentWorkers.run { [self] in tell(number, .finished(upload.finish())) }
    }

    func fetch(_ content: Content, atMost limit: Int, _ number: UInt64, _ wsi: OpaquePointer) {
        wait(for: number, wsi)
        contentWorkers.run { [self] in tell(number, .made(content.next(limit))) }
    }

    /// What is behind a body is let go of where that may take its time.
    func letGo(of exchange: Exchange) {
        guard exchange.hasContent else { return }
        contentWorkers.run { withExtendedLifetime(exchange) {} }
    }

    func sendMadeContent() {
        let events = shared.withLock { shared in
            defer { shared.content = [] }
            return shared.content
        }
        for (number, event) in events {
            guard let wsi = handling.removeValue(forKey: number) else { continue }
            limitTransfer(wsi)
            switch event {
            case .taken(let refusal): _ = act(wsi) { $0.taken(refusal) }
            case .finished(let response): _ = act(wsi) { $0.finish(response) }
            case .made(let bytes):
                exchanges[wsi]?.outflow?.receive(bytes)
                lws_callback_on_writable(wsi)
            }
        }
    }

    /// Lets the client go on sending, or not.
    func regulate(_ wsi: OpaquePointer) {
        guard let exchange = exchanges[wsi], exchange.isThrottled != exchange.isFull else {
            return
        }
        exchanges[wsi]?.isThrottled = exchange.isFull
        lws_rx_flow_control(wsi, exchange.isFull ? 0 : 1)
    }

    /// However long the store takes, that is not the client's fault.
    private func wait(for number: UInt64, _ wsi: OpaquePointer) {
        handling[number] = wsi
        lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0)
        lws_set_timer_usecs(wsi, Int64(Limits.storeSeconds * 1e6))
    }

    private func tell(_ number: UInt64, _ event: ContentEvent) {
        shared.withLock { $0.content.append((number, event)) }
        lws_cancel_service(context)
    }
}
