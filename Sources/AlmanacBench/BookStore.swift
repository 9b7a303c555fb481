import AlmanacCore
import PostgresSession

/// A book of the table that `drain` works on.
struct Book: Record {
    // Named with its schema: the user's name is that of the ledger's schema, which comes first in
    // the search path.
    static let table = "public.books"
    var id: Int64?
    var title: String
    var copies: Int
}

/// What the runs of `drain` do: one SELECT and one UPDATE.
struct RestockBook: BatchTask {
    var title: String

    func run(_ context: TaskContext) async throws {
        let session = context.session
        var book = try session.query(Book.self).filter { $0.title == title }.one()
        book.copies += 1
        try session.add(book)
    }
}

/// The table of books.
enum BookStore {
    static let bookCount = 10_000

    /// The title of a book, from 1.
    static func title(_ number: Int) -> String { "Book \(number)" }

    /// Makes the table anew, with not a single copy of any book.
    static func fill(on connection: Connection) throws {
        try connection.executeScript(
            """
            DROP TABLE IF EXISTS public.books;
            CREATE TABLE public.books (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                title text NOT NULL UNIQUE,
                copies int NOT NULL
            );
            INSERT INTO public.books (title, copies)
            SELECT 'Book ' || number, 0 FROM generate_series(1, \(bookCount)) AS number;
            """)
        try connection.execute("VACUUM ANALYZE public.books")
        try connection.execute("CHECKPOINT")
    }

    /// How many copies there are in all: one for each run.
    static func copies(on connection: Connection) throws -> Int {
        try connection.query("SELECT sum(copies)::int AS copies FROM public.books").first?.get(
            "copies")
            ?? 0
    }
}
