import PostgresSession

extension LedgerSchema {
    /// Whether a database of this encoding can have a ledger: one that takes every text. SQL_ASCII
    /// takes all bytes as they come.
    package static func takes(_ encoding: String) -> Bool {
        ["UTF8", "SQL_ASCII"].contains(encoding)
    }

    /// What to do about another one.
    package static let encodingRemedy =
        "make the database anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
}

extension Ledger {
    /// - Throws: `LedgerError` where the database's encoding does not take every text: names of
    ///   jobs, output and errors would fail one by one.
    func requireEncoding(of connection: Connection) throws {
        guard let encoding = connection.parameterStatus("server_encoding"),
            !LedgerSchema.takes(encoding)
        else { return }
        throw LedgerError(
            message: """
                the database has the encoding \(encoding), which has no room for all the texts of \
                a ledger; \(LedgerSchema.encodingRemedy)
                """)
    }
}
