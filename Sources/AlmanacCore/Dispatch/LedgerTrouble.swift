import PostgresSession

/// Why something could not be written to the ledger, and whom that concerns.
package struct LedgerTrouble: Sendable {
    /// What the server or the connection said.
    package let text: String
    /// Whether nothing can be written now, whatever it is: no server, a standby, a full disk. If
    /// not, only this one statement was refused, and the work of others goes on.
    package let isGeneral: Bool

    package init(isGeneral: Bool, _ text: String) {
        self.isGeneral = isGeneral
        self.text = text
    }

    package init(_ error: any Error) {
        text = String(describing: error)
        isGeneral = (error as? PostgresError)?.concernsAll ?? false
    }
}

extension PostgresError {
    /// Whether any other statement that writes would fail as well.
    private var isOfTheServer: Bool {
        switch sqlState?.prefix(2) {
        case "53", "58": true  // resources, and errors outside of Postgres
        case "25": sqlState == "25006"  // a standby, until it is promoted
        default: false
        }
    }

    fileprivate var concernsAll: Bool { classification == .connection || isOfTheServer }
}
