import Foundation
import Testing

@testable import PostgresSession

@Suite("What the server says during a COPY")
struct CopyAnswerTests {
    @Test("a row that it refuses ends the reading soon, also of an endless source")
    func refused() async throws {
        try await onOwnTables { connection throws in
            try withSession(connection) { session throws in
                var count = 0
                let endless = (1...).lazy.map { number -> Author in
                    count = number
                    return Author(id: number < 1000 ? Int64(number) : 1, name: "Herbert")
                }
                let error = try #require(
                    #expect(throws: PostgresError.self) { try session.copyIn(endless) })
                #expect(error.code == .uniqueViolation && error.row == 1000)
                #expect(count > 1000 && count < 10_000_000)
                try session.rollback()
                #expect(try session.scalar("SELECT count(*) FROM authors", as: Int.self) == 0)
            }
        }
    }

    @Test("notices, even a million bytes of them, do not end it")
    func notices() async throws {
        try await onOwnTables { connection throws in
            try connection.executeScript(
                """
                CREATE FUNCTION pg_temp.shout() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE NOTICE '%', repeat('E', 500); RETURN NEW; END $$;
                CREATE TRIGGER shout BEFORE INSERT ON authors
                    FOR EACH ROW EXECUTE FUNCTION pg_temp.shout()
                """)
            var count = 0
            connection.onNotice = { _ in count += 1 }
            try withSession(connection) { session throws in
                let authors = (1...20_000).lazy.map { Author(id: Int64($0), name: "Herbert") }
                #expect(try session.copyIn(authors) == 20_000)
                #expect(try session.scalar("SELECT count(*) FROM authors", as: Int.self) == 20_000)
            }
            #expect(count == 20_000)
        }
    }

    @Test("a connection that ends while rows are sent is lost, also with an endless source")
    func lost() async throws {
        let library = try await Library.make()
        try library.engine.withConnection { connection throws in
            let process = connection.backendProcessID
            try withSession(connection) { session throws in
                let endless = (1...).lazy.map { number -> Author in
                    if number == 5000 {
                        _ = try? library.seen(
                            "SELECT pg_terminate_backend(\(process), 10000)", as: Bool.self)
                    }
                    return Author(id: Int64(number), name: "Herbert")
                }
                let error = try #require(
                    #expect(throws: PostgresError.self) { try session.copyIn(endless) })
                #expect(error.code == .connectionLost && error.isRetryable)
            }
        }
    }

    static let answers: [(text: String, isError: Bool)] = [
        ("E\u{0}\u{0}\u{0}mSERROR\u{0}VERROR\u{0}C23505\u{0}", true),
        ("E\u{0}\u{0}\u{0}mSFEHLER\u{0}VERROR\u{0}", true),
        ("E\u{0}\u{0}\u{0}mSFATAL\u{0}VFATAL\u{0}C57P01", true),
        ("E\u{0}\u{0}\u{0}mSPANIK\u{0}VPANIC\u{0}", true),
        ("N\u{0}\u{0}\u{0}mSNOTICE\u{0}VNOTICE\u{0}", false),
        ("N\u{0}\u{0}\u{0}mSERROR\u{0}VERROR\u{0}", false),
        ("E\u{0}\u{0}\u{0}mSWARNING\u{0}VWARNING\u{0}", false),
        ("EEEEEEEEEEEEEEEE", false), ("EEEEESEEEEEEEEEE", false), ("E", false), ("", false),
        ("E\u{0}\u{0}\u{0}mSERROR", false), ("E\u{0}\u{0}\u{0}mMERROR\u{0}VERROR\u{0}", false),
    ]

    @Test("an error is known by its beginning, in any language", arguments: answers)
    func beginning(text: String, isError: Bool) {
        #expect(ErrorResponse.begins(Array(text.utf8)) == isError)
    }
}
