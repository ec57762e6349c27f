import CWebSockets

/// Takes the place of the library's function of this name, which it calls for what it refuses before it asks
/// anybody: a method that it does not know, a path with an escape that is none, an upgrade to no WebSocket.
///
/// It would answer with a page of its own, and no setting changes that. A program's function goes before
/// one of a shared library; where it did not, such a client would see that page.
@c(lws_return_http_status)
public func answerForTheLibrary(
    _ wsi: OpaquePointer?,
    _ status: UInt32,
    _ page: UnsafePointer<CChar>?
) -> CInt {
    guard let wsi, let context = lws_get_context(wsi), let user = lws_context_user(context) else {
        return 1
    }
    let service = Unmanaged<Service>.fromOpaque(user).takeUnretainedValue()
    return service.refuse(wsi, Int(status))
}

extension Service {
    /// As the library expects: 0 if the answer is on its way.
    fileprivate func refuse(_ wsi: OpaquePointer, _ status: Int) -> CInt {
        // To the library, what it cannot read is forbidden.
        let isUnread = status == 400 || status == 403
        let response =
            isUnread
            ? Refusal.malformed(Self.form).response
            : Response.problem(status, "It failed", "The HTTP library refuses the request.")
        return answerNow(wsi, response, isLast: true) ? 0 : 1
    }

    private static let form =
        "The first line is METHOD /PATH HTTP/1.1, with each % of the path as %25, and no upgrade leads "
        + "anywhere but to a WebSocket."

    /// Sends a whole answer at once, where the library does not come back for it.
    func answerNow(_ wsi: OpaquePointer, _ response: Response, isLast: Bool) -> Bool {
        Headers.write(response, isLast: isLast, wsi, scratch + roomBefore)
            && put(response.body[...], LWS_WRITE_HTTP_FINAL, wsi)
    }
}
