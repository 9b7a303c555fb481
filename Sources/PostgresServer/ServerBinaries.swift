import Foundation
import Glibc

/// The installed server programs.
struct ServerBinaries {
    let directory: String
    let majorVersion: Int

    private static let needed = ["initdb", "postgres", "psql"]

    /// The programs in `chosen`, or else those of `PATH`, of Debian's directories (newest first)
    /// and of `pg_config`. Among several, those that can read data of `dataVersion` win.
    static func find(chosen: String?, dataVersion: Int?) throws -> ServerBinaries {
        let directories = chosen.map { [$0] } ?? candidates()
        var first: ServerBinaries?
        for directory in directories where isComplete(directory) {
            guard let binaries = ServerBinaries(directory: directory) else { continue }
            if dataVersion == nil || binaries.majorVersion == dataVersion { return binaries }
            first = first ?? binaries
        }
        if let first { return first }
        throw ServerError(
            code: .binariesMissing,
            message:
                "no Postgres server is installed (looked for \(needed.joined(separator: ", ")) "
                + "in \(chosen ?? "PATH, /usr/lib/postgresql and pg_config --bindir")): run "
                + "`apt-get install postgresql` or `make deps`, or name a database with --database")
    }

    func path(_ program: String) -> String { directory + "/" + program }

    private init?(directory: String) {
        let command = [directory + "/postgres", "--version"]
        guard let output = try? ChildProcess.run(command, timeoutSeconds: 10), output.succeeded,
            let version = Self.majorVersion(output.text)
        else { return nil }
        self.directory = directory
        majorVersion = version
    }

    /// The 15 of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    static func majorVersion(_ text: String) -> Int? {
        guard let mark = text.range(of: "(PostgreSQL) ") else { return nil }
        return Int(text[mark.upperBound...].prefix { $0.isNumber })
    }

    private static func candidates() -> [String] {
        var all: [String] = []
        if let postgres = PostgresServer.find(program: "postgres") {
            // A link in /usr/local/bin leads to the directory that has the rest.
            all.append((Directory.resolved(postgres) as NSString).deletingLastPathComponent)
        }
        let debian = "/usr/lib/postgresql"
        all += Directory.entries(debian).compactMap(Int.init).sorted(by: >).map {
            "\(debian)/\($0)/bin"
        }
        if let program = PostgresServer.find(program: "pg_config"),
            let output = try? ChildProcess.run([program, "--bindir"], timeoutSeconds: 10),
            output.succeeded
        {
            all.append(output.text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return all
    }

    private static func isComplete(_ directory: String) -> Bool {
        needed.allSatisfy { access(directory + "/" + $0, X_OK) == 0 }
    }
}
