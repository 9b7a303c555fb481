internal import CLibPQ
internal import Foundation

/// The owner of one `PGresult`, which "can be passed around freely between threads" (PostgreSQL
/// manual, 34.20).
// Safe because a PGresult is read-only once libpq has handed it out, and is freed once, here.
final class NativeResult: @unchecked Sendable {
    private let pointer: OpaquePointer
    let rowCount: Int
    let columnCount: Int

    init(taking pointer: OpaquePointer) {
        self.pointer = pointer
        rowCount = Int(PQntuples(pointer))
        columnCount = Int(PQnfields(pointer))
    }

    deinit {
        PQclear(pointer)
    }

    /// The command tag, such as `INSERT 0 1`.
    var tag: String { String(cString: PQcmdStatus(pointer)) }

    /// The rows the command touched or gave, 0 for one that does neither.
    var rowsAffected: Int {
        // The tags of SELECT and FETCH count the rows given; only writes count as affected.
        guard let tag = PQcmdStatus(pointer) else { return 0 }
        let isRead =
            strncmp(tag, "SELECT", 6) == 0 || strncmp(tag, "FETCH", 5) == 0
            || strncmp(tag, "MOVE", 4) == 0
        return isRead ? 0 : rowsTold
    }

    /// The number in the command tag, 0 if there is none.
    var rowsTold: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    /// How much memory the rows take, in bytes.
    var byteCount: Int { Int(PQresultMemorySize(pointer)) }

    var columns: [ResultSet.Column] {
        (0..<Int32(columnCount)).map { index in
            ResultSet.Column(
                name: PQfname(pointer, index).map { String(cString: $0) } ?? "",
                type: PostgresType(oid: PQftype(pointer, index)))
        }
    }

    func isNull(row: Int, column: Int) -> Bool {
        PQgetisnull(pointer, Int32(row), Int32(column)) != 0
    }

    /// The bytes of a value, good for as long as this object; nil for NULL.
    @inline(__always)
    func bytes(row: Int, column: Int) -> UnsafeRawBufferPointer? {
        let (row, column) = (Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column))
        guard PQgetisnull(pointer, row, column) == 0 else { return nil }
        return UnsafeRawBufferPointer(
            start: PQgetvalue(pointer, row, column), count: Int(PQgetlength(pointer, row, column)))
    }

    func withBytes<Value>(
        row: Int, column: Int, _ body: (UnsafeRawBufferPointer) -> Value
    ) -> Value {
        let count = Int(PQgetlength(pointer, Int32(row), Int32(column)))
        let start = PQgetvalue(pointer, Int32(row), Int32(column))
        return body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }

    /// True if the result reports an error of the server or of the connection.
    static func isFailure(_ pointer: OpaquePointer) -> Bool {
        switch PQresultStatus(pointer) {
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE: true
        default: false
        }
    }

    /// The error a failed result reports.
    static func failure(_ pointer: OpaquePointer) -> ServerFailure {
        func field(_ code: Int) -> String? {
            PQresultErrorField(pointer, Int32(code)).map { String(cString: $0) }
        }
        let severity = field(PG_DIAG.severityNonlocalized)
        return ServerFailure(
            sqlState: field(PG_DIAG.sqlState),
            message: field(PG_DIAG.primary)
                ?? PQresultErrorMessage(pointer).map { String(cString: $0) } ?? "",
            isFatal: severity == "FATAL" || severity == "PANIC",
            detail: field(PG_DIAG.detail), hint: field(PG_DIAG.hint),
            position: field(PG_DIAG.position).flatMap { Int($0) },
            schema: field(PG_DIAG.schema), table: field(PG_DIAG.table),
            column: field(PG_DIAG.column), constraint: field(PG_DIAG.constraint),
            context: field(PG_DIAG.context))
    }

    /// The field codes of `postgres_ext.h`, which Swift does not import: they are characters.
    private enum PG_DIAG {
        static let severityNonlocalized = code("V")
        static let sqlState = code("C")
        static let primary = code("M")
        static let detail = code("D")
        static let hint = code("H")
        static let position = code("P")
        static let context = code("W")
        static let schema = code("s")
        static let table = code("t")
        static let column = code("c")
        static let constraint = code("n")

        private static func code(_ character: Unicode.Scalar) -> Int { Int(character.value) }
    }
}

/// An error as libpq reports it, before it knows the statement and the place of the call.
struct ServerFailure: Error {
    var sqlState: String?
    var message: String
    var isFatal = false
    var detail: String?
    var hint: String?
    var position: Int?
    var schema: String?
    var table: String?
    var column: String?
    var constraint: String?
    /// Where the server was. It may hold values: not for an error as it is.
    var context: String?
}
