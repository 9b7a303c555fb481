// What an author of tasks writes, and no more: this one import, none of the compiler flags that
// Almanac itself is built with.
import Almanac

struct Book: Record {
    static let table = "books"
    var id: Int64?
    var title: String
    var copies: Int
}

struct RestockBook: BatchTask {
    var title: String

    func run(_ context: TaskContext) async throws {
        var book = try context.session.query(Book.self).filter { $0.title == title }.one()
        book.copies += 1
        try context.session.add(book)
    }
}

// `@main` in a program of its own.
struct Nightly: AlmanacApplication {
    static let tasks: [any BatchTask.Type] = [RestockBook.self]
}
