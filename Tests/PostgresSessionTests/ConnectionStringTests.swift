import Testing

@testable import PostgresSession

@Suite("A connection string for other programs")
struct ConnectionStringTests {
    @Test(
        "has no password, whatever its form",
        arguments: [
            (
                "postgresql://me:secret@db:5433/shop",
                "dbname='shop' host='db' port='5433' user='me'"
            ),
            ("host=db password=secret dbname=shop", "dbname='shop' host='db'"),
            ("host=db password='se cret' sslpassword=x", "host='db'"),
            ("service=night", "service='night'"),
            (#"dbname='o\'brien\\'"#, #"dbname='o\'brien\\'"#),
            ("", ""),
        ])
    func withoutPassword(text: String, expected: String) {
        let configuration = EngineConfiguration(text)
        #expect(configuration.connectionStringWithoutPassword == expected)
    }

    @Test("stays readable for libpq, and means the same but for the password")
    func readable() throws {
        let text = #"host='a b' user='x\'y' password='p' dbname='c:\\d'"#
        let stripped = try #require(EngineConfiguration(text).connectionStringWithoutPassword)
        var expected = try #require(EngineConfiguration(text).connectionParts)
        expected["password"] = nil
        #expect(EngineConfiguration(stripped).connectionParts == expected)
    }

    @Test("is none where libpq cannot read it")
    func unreadable() {
        #expect(EngineConfiguration("host=").connectionStringWithoutPassword != nil)
        #expect(EngineConfiguration("nonsense here").connectionStringWithoutPassword == nil)
    }
}
