import Almanac
import Foundation

/// The pieces of the page on sessions, in a task of their own.
struct SessionExamples: BatchTask {
    func run(_ context: TaskContext) async throws {
        let session = context.session
        let orders = ["one", "twice", "twice"]
        for order in orders {
            do {
                try session.withSavepoint { try load(order, session) }
            } catch let error as PostgresError where error.classification == .data {
                context.output.append("left out: \(error.message)\n")
            }
        }

        let books = try session.query(Book.self)
            .filter { $0.title.like("D%") && $0.copies > 0 }
            .order { $0.title.ascending }
            .limit(10)
            .all()

        let (delta, title) = (2, "Dune")
        try session.execute("UPDATE books SET copies = copies + \(delta) WHERE title = \(title)")
        let total: Int = try session.scalar("SELECT sum(copies) FROM books")
        let start = context.scheduledFor
        let sales: [Sale] = try session.all(
            "SELECT day, revenue FROM daily_sales WHERE day >= \(start)")
        context.result = [books.count, total, sales.count]
    }

    private func load(_ order: String, _ session: Session) throws {
        try session.execute("INSERT INTO loaded (name) VALUES (\(order))")
    }
}

struct Sale: Decodable {
    var day: Date
    var revenue: Decimal
}
