import Almanac
import AlmanacCore
import Foundation
import PostgresServer
import PostgresSession

extension BenchEntry {
    /// How fast a session is, and how much memory it takes, beside psycopg and SQLAlchemy.
    static let session = BenchEntry(name: "session") { server, extent in
        try await SessionComparison(server: server, extent: extent).measure()
    }
}

/// One measurement of `session` after the other.
private struct SessionComparison {
    let server: BenchServer
    let extent: BenchExtent

    /// A round more than is asked for: the first one warms up.
    private var rounds: Int { extent.isQuick ? 2 : max(extent.rounds + 1, 3) }

    func measure() async throws -> SessionResult {
        let directory = URL(filePath: FileManager.default.currentDirectoryPath)
        let python = try await SessionPython(in: directory.appending(path: ".build"))
        try server.withConnection { try SessionLine.prepare($0, isQuick: extent.isQuick) }
        var cells: [SessionResult.Cell] = []
        for line in SessionLine.allCases {
            let rows = line.rows(isQuick: extent.isQuick)
            var cell = SessionResult.Cell(line: line, rows: rows)
            let url = server.endpoint.connectionString
            cell.almanac = try await ours(line, rows)
            cell.psycopg = try await python.measure(
                "psycopg", line, rows: rows, rounds: rounds, url)
            cell.sqlAlchemy = try await python.measure(
                "sqlalchemy", line, rows: rows, rounds: rounds, url)
            if line == .copy { cell.psqlSeconds = try await psql(rows) }
            cells.append(cell)
        }
        return SessionResult(versions: python.versions, rounds: rounds, cells: cells)
    }

    /// This program again, as the child that does one line.
    private func ours(_ line: SessionLine, _ rows: Int) async throws -> SessionFigures {
        let answer = try await Program.run(
            "/proc/self/exe",
            [
                "--session-line", line.rawValue, "--session-rows", "\(rows)", "--rounds",
                "\(rounds)", "--session-database", server.endpoint.connectionString,
            ])
        return try JSONDecoder().decode(SessionFigures.self, from: Data(answer.utf8))
    }

    /// How long `psql` takes for `\copy` of the same rows from a file.
    private func psql(_ rows: Int) async throws -> [Double] {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "almanac-bench-\(UUID().uuidString).txt").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        let psql = server.endpoint.binaryDirectory + "/psql"
        let url = server.endpoint.connectionString
        let columns = "public.shelf_in (id, title, copies)"
        let text = (0..<rows).map { "\($0)\tBook \($0 % 1000)\t\($0 % 100)\n" }.joined()
        try Data(text.utf8).write(to: URL(filePath: file))
        let clock = try SystemClock()
        var seconds: [Double] = []
        for _ in 1...rounds {
            _ = try server.withConnection { try $0.execute("TRUNCATE public.shelf_in") }
            let start = clock.uptime
            try await Program.run(psql, ["-Xq", url, "-c", "\\copy \(columns) from '\(file)'"])
            seconds.append((clock.uptime - start) / .seconds(1))
        }
        return seconds
    }
}

/// What `session` found.
struct SessionResult: BenchResult {
    struct Cell: Encodable, Sendable {
        let line: SessionLine
        let rows: Int
        var almanac = SessionFigures(seconds: [], peakBytes: 0)
        var psycopg = SessionFigures(seconds: [], peakBytes: 0)
        var sqlAlchemy = SessionFigures(seconds: [], peakBytes: 0)
        var psqlSeconds: [Double] = []
    }

    let versions: [String]
    let rounds: Int
    let cells: [Cell]

    var lines: [String] {
        [
            "session: the same work by PostgresSession, psycopg and SQLAlchemy, one thread each",
            "\(versions.joined(separator: ", ")); the best of \(rounds) rounds, each side in a "
                + "process of its own",
            "COPY of SQLAlchemy is its bulk INSERT. Memory is the process's peak, interpreter "
                + "and libraries included. RATIO is theirs by ours.",
        ] + table.lines
    }

    private var table: TextTable {
        let columns = [
            "ROWS", "OURS", "PSYCOPG", "RATIO", "SQLALCHEMY", "RATIO", "PSQL", "RATIO", "MB OURS",
            "MB PSYCOPG", "MB SQLALCHEMY",
        ]
        var table = TextTable([("WHAT", .left)] + columns.map { ($0, .right) })
        for cell in cells {
            let ours = cell.almanac.seconds.min() ?? 0
            let sides = [cell.psycopg.seconds, cell.sqlAlchemy.seconds, cell.psqlSeconds]
            let theirs = sides.flatMap { seconds -> [String] in
                guard let best = seconds.min(), ours > 0 else { return ["-", "-"] }
                return [Self.time(best, cell), (best / ours).text(decimals: 1)]
            }
            let memory = [cell.almanac, cell.psycopg, cell.sqlAlchemy].map {
                (Double($0.peakBytes) / 1e6).text(decimals: 0)
            }
            table.add([cell.line.title, "\(cell.rows)", Self.time(ours, cell)] + theirs + memory)
        }
        return table
    }

    private static func time(_ seconds: Double, _ cell: Cell) -> String {
        cell.line == .point
            ? "\((seconds / Double(cell.rows) * 1e6).text(decimals: 0)) µs"
            : "\((seconds * 1e3).text(decimals: 0)) ms"
    }
}
