/// The records staged in a session and what it has read.
struct UnitOfWork {
    var isEmpty: Bool { true }
    mutating func forgetAll() {}
    mutating func forgetSnapshots() {}
    mutating func rolledBack() {}
    mutating func committed() {}
}
extension Session { func flushStaged() throws(PostgresError) {} }
