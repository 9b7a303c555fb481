import Foundation
import Testing

@testable import AlmanacCore

@Suite("The book of queued attempts")
struct AttemptBookTests {
    private let one = UUID()
    private let other = UUID()

    @Test("is settled once the node has looked and waits for nothing")
    func settled() {
        var book = AttemptBook()
        #expect(!book.isSettled, "it is not known what others have left")
        #expect(book.beginsLook() == true)
        #expect(book.endLook(hasFailed: true) == false)
        #expect(!book.isSettled, "the look has failed")
        #expect(book.beginsLook() == true)
        #expect(book.endLook(hasFailed: false) == false)
        #expect(book.isSettled)
        book.expect(one)
        #expect(!book.isSettled)
        book.settle(one)
        #expect(book.isSettled)
    }

    @Test("looks once at a time, and again when it was asked meanwhile")
    func looks() {
        var book = AttemptBook()
        #expect(book.beginsLook() == true)
        #expect(book.beginsLook() == false)
        #expect(book.beginsLook() == false)
        #expect(book.endLook(hasFailed: false) == true, "what came meanwhile may be due")
        #expect(book.beginsLook() == true)
        #expect(book.endLook(hasFailed: false) == false)
        #expect(book.beginsLook() == true)
        #expect(book.beginsLook() == false)
        #expect(book.endLook(hasFailed: true) == false, "not at once while the database is away")
    }

    @Test("forgets what another node has, and nothing that it did not ask for or holds itself")
    func taken() {
        var book = AttemptBook()
        let (held, new) = (UUID(), UUID())
        for id in [one, other, held, new] { book.expect(id) }
        book.keep([one], of: [one, other, held]) { $0 == held }
        #expect(book.awaited == [one, held, new])
    }
}
