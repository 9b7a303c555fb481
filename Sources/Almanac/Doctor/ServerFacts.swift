import Foundation

/// What the doctor has asked of a server. Plain values: what they mean is another's affair.
struct ServerFacts: Sendable, Equatable {
    /// The version as a number, 150004 for 15.4.
    var version = 150_000
    /// Settings as they hold for a connection of Almanac's role, by name, in their base unit.
    var settings: [String: String] = [:]
    var isStandby = false
    /// Whether a pooler stands before the server; one that shares out server processes lets
    /// nobody ask this.
    var isBehindPooler = false
    var role = RoleFacts()
    var ledger: LedgerFacts?
    var clock = ClockFacts()
    var connections = ConnectionFacts()
    var transactions = TransactionFacts()
    /// The version of the time zone data of this machine, if it can be found.
    var tzdataVersion: String?

    struct RoleFacts: Sendable, Equatable {
        var name = "almanac"
        var mayCreateSchemas = true
        var mayMakeTemporaryTables = true
        /// Other login roles that have connections of Almanac.
        var others: [String] = []
        var maySeeOthers = true
        var mayEndOthers = true
    }

    struct LedgerFacts: Sendable, Equatable {
        var schema = "almanac"
        var version = 6
        var currentVersion = 6
        /// Tables of the schema that the role may not read and write.
        var closedTables: [String] = []
        var invalidIndexes: [String] = []
        /// How long ago the instant is up to which everything is accounted for; nil if no
        /// scheduler has run.
        var watermarkAgeSeconds: Double?
        /// The time zone data of the node that put the schedule in force.
        var tzdataVersion: String?
        var nodes: [NodeFacts] = []
        /// How many notifications have waited for ten minutes.
        var overdueNotifications = 0
        /// How many were given up in the last week.
        var lostNotifications = 0
    }

    /// A scheduler that lives.
    struct NodeFacts: Sendable, Equatable {
        var name: String
        var workers: Int
    }

    struct ClockFacts: Sendable, Equatable {
        /// How far this machine's clock is before the server's.
        var offsetSeconds = 0.0
        /// How far that may be wrong.
        var errorSeconds = 0.0
    }

    struct ConnectionFacts: Sendable, Equatable {
        /// What the server has for ordinary roles.
        var limit = 97
        /// The limits of the role and the database, if they have any.
        var roleLimit: Int?
        var databaseLimit: Int?
        /// Those of others than Almanac.
        var othersInUse = 0
        /// How many workers this program would start.
        var ownWorkers = 8
    }

    struct TransactionFacts: Sendable, Equatable {
        /// Since when the oldest transaction is open, and whose it is.
        var oldestSeconds: Double?
        var oldestName: String?
        /// Since when the oldest prepared transaction waits.
        var preparedSeconds: Double?
        /// The age of the oldest transaction id of the database, and when the server gets anxious.
        var age = 0
        var freezeAge = 200_000_000
    }
}
