import Testing

@testable import Volumes

struct DoorTests {
    @Test func theFirstHandleDecidesForAll() {
        var door = Door()
        #expect(door.enter(lending: 5, canWrite: false) == .lent(5))
        #expect(door.enter(lending: nil, canWrite: true) == .direct(5))
        #expect(door.enter(lending: nil, canWrite: false) == .lent(5))
        #expect(door.leave() == nil)
        #expect(door.leave() == nil)
        #expect(door.leave() == 5)
        #expect(door.enter(lending: nil, canWrite: true) == .cached)
        #expect(door.enter(lending: 6, canWrite: false) == .cached)
        #expect(door.leave() == nil)
        #expect(door.leave() == nil)
        #expect(door.isShut && door.loan == nil)
    }
}
