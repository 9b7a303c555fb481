import PostgresSession

/// Why something could not be written to the ledger, and whom that concerns.
package struct LedgerTrouble: Sendable {
    /// What the server or the connection said.
    package let text: String
    /// Whether nothing can be written now, whatever it is: no server, a standby, a full disk. If
    /// not, only this one statement was refused, and the work of others goes on.
    package let isGeneral: Bool
    /// Whether there is a server that answers, and takes no writes.
    package let isReadOnly: Bool

    package init(isGeneral: Bool, isReadOnly: Bool = false, _ text: String) {
        self.isGeneral = isGeneral
        self.isReadOnly = isReadOnly
        self.text = text
    }

    package init(_ error: any Error) {
        text = String(describing: error)
        let error = error as? PostgresError
        isGeneral = error?.concernsAll ?? false
        isReadOnly = error?.sqlState == PostgresError.readOnlyState
    }

    /// What a node says that waits for it to be over.
    var notice: String {
        isReadOnly
            ? """
            the database takes no writes: it is a standby, or default_transaction_read_only is on; \
            nothing is lost, trying again
            """
            : "the database cannot be reached; nothing is lost, trying again"
    }
}

extension PostgresError {
    fileprivate static let readOnlyState = "25006"

    /// Whether any other statement that writes would fail as well.
    private var isOfTheServer: Bool {
        switch sqlState?.prefix(2) {
        case "53", "58": true  // resources, and errors outside of Postgres
        case "25": sqlState == Self.readOnlyState  // a standby, until it is promoted
        default: false
        }
    }

    fileprivate var concernsAll: Bool { classification == .connection || isOfTheServer }
}
