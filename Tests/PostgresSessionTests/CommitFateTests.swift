import AlmanacTesting
import Foundation
import Testing

@testable import PostgresSession

@Suite("What became of a COMMIT in doubt")
struct CommitFateTests {
    /// A session that notes its transaction, over a proxy that cuts its COMMIT.
    private struct Cut {
        let database: TestDatabase
        let proxy: CuttingProxy
        let session: Session

        init(_ moment: CuttingProxy.Moment, by manner: CuttingProxy.Manner = .reset) async throws {
            database = try await TestDatabase.make()
            let plain = Engine(database.connectionString)
            proxy = try plain.withConnection { connection in
                try connection.execute("CREATE TABLE marks (mark text)")
                return try CuttingProxy(to: connection)
            }
            proxy.cutNext(.init(moment, by: manner, mark: "marks"))
            var options = SessionOptions()
            options.notesTransactionID = true
            let configuration = EngineConfiguration(
                database.connectionString + proxy.connectionKeywords)
            session = Session(on: try Connection(configuration), options: options)
        }

        func write() throws { try session.execute("INSERT INTO marks VALUES ('x')") }

        var count: Int {
            get throws {
                try Engine(database.connectionString).withSession { session in
                    try session.scalar("SELECT count(*) FROM marks", as: Int.self)
                }
            }
        }
    }

    @Test(
        "it was carried out if the server has got it, whatever the client has heard",
        arguments: CuttingProxy.Moment.allCases, CuttingProxy.Manner.allCases)
    func moments(moment: CuttingProxy.Moment, manner: CuttingProxy.Manner) async throws {
        let cut = try await Cut(moment, by: manner)
        try cut.write()
        _ = try failure(.commitInDoubt) { try cut.session.commit() }
        let fate = try cut.session.commitFate()
        #expect(fate == (moment == .beforeCommit ? .rolledBack : .committed))
        #expect(try cut.count == (fate == .committed ? 1 : 0))
        #expect(try cut.session.commitFate() == fate)
        #expect(cut.session.isFoundCommitted == (fate == .committed))
    }

    @Test("only a COMMIT in doubt has a fate to be asked for")
    func nothingInDoubt() async throws {
        let cut = try await Cut(.beforeCommit)
        _ = try failure(.noTransaction) { _ = try cut.session.commitFate() }
        #expect(try cut.session.scalar("SELECT 1", as: Int.self) == 1)
        try cut.session.commit()
        _ = try failure(.noTransaction) { _ = try cut.session.commitFate() }
    }

    @Test("without the transaction's id it is not known")
    func withoutMark() async throws {
        let cut = try await Cut(.beforeAnswer)
        _ = try cut.session.scalar("SELECT count(*) FROM marks", as: Int.self)
        _ = try failure(.commitInDoubt) { try cut.session.commit() }
        #expect(try cut.session.commitFate() == .unknown)
    }

    @Test("after a crash of the server it is not known: the id may be another's by now")
    func crash() async throws {
        let server = try await TestServer.start()
        let configuration = EngineConfiguration(server.connectionString)
        let connection = try Connection(configuration)
        let session = Session(on: connection)
        try session.execute("CREATE TABLE marks (mark text)")
        let mark = try #require(
            TransactionMark(
                try connection.query(TransactionMark.statement).first, on: connection))
        try session.commit()
        #expect(try mark.fate(configuration, 5) == .committed)
        // A crash of one backend: the postmaster lives on, and all the others begin anew.
        let victim = try Connection(configuration)
        kill(victim.backendProcessID, SIGKILL)
        #expect(try mark.fate(configuration, 10) == .unknown)
        try await server.restart()
        #expect(try mark.fate(configuration, 10) == .unknown)
    }

    @Test("a server that is away is waited for so long, and then the reason is thrown")
    func away() async throws {
        let cut = try await Cut(.beforeAnswer)
        try cut.write()
        _ = try failure(.commitInDoubt) { try cut.session.commit() }
        cut.proxy.stop()
        _ = try failure(.connectionRefused) { _ = try cut.session.commitFate(waitSeconds: 0.2) }
    }
}
