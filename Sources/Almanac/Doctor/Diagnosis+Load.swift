import Foundation

extension Diagnosis {
    /// Connections of a node that are no worker's: the bookkeeper's, the listener's, the
    /// housekeeper's, the messenger's, that of its signs of life, and one for what has to be
    /// stopped.
    static let connectionsBesideWorkers = 6
    /// From which share of the connections on there is little left.
    private static let crowdedPercent = 80
    /// How long an open transaction is nobody's business, in seconds.
    private static let oldTransactionSeconds = 3_600.0
    /// How far clocks may be apart without a word, in seconds, and how far at all.
    private static let clockTolerance = (warning: 2.0, problem: 60.0)
    /// How old the watermark of a living scheduler may be, in seconds.
    private static let watermarkPatienceSeconds = 15.0

    var clock: Finding {
        let offset = facts.clock.offsetSeconds
        let direction = offset > 0 ? "before" : "behind"
        let text = "this machine is \(Self.span(abs(offset))) \(direction) the server"
        let sure = max(0, abs(offset) - facts.clock.errorSeconds)
        let remedy = "have both follow one time server (NTP)"
        if sure >= Self.clockTolerance.problem {
            return .problem(
                "clock", text + ": runs start at the wrong time", remedy: remedy)
        }
        if sure >= Self.clockTolerance.warning {
            return .warning("clock", text + ": runs start that much off", remedy: remedy)
        }
        return .ok("clock", text)
    }

    /// Whether all nodes can have the connections that they may come to need.
    var budget: Finding {
        let connections = facts.connections
        let nodes = facts.ledger?.nodes ?? []
        let workers = nodes.isEmpty ? [connections.ownWorkers] : nodes.map(\.workers)
        let needed = workers.reduce(0) { $0 + $1 + Self.connectionsBesideWorkers }
        let limits = [connections.limit, connections.roleLimit, connections.databaseLimit]
        let limit = limits.compactMap(\.self).min() ?? connections.limit
        // A limit of the role is Almanac's alone.
        let free =
            limit == connections.roleLimit ? limit : max(0, limit - connections.othersInUse)
        let who =
            nodes.isEmpty
            ? "a node of \(connections.ownWorkers) workers"
            : nodes.count == 1 ? "1 node" : "\(nodes.count) nodes"
        let text = "\(who) may need \(needed) connections of \(free) that are free for them"
        let remedy = "raise max_connections or the limit of the role, or lower --workers"
        if needed > free { return .problem("connections", text, remedy: remedy) }
        if needed * 100 > free * Self.crowdedPercent {
            return .warning("connections", text, remedy: remedy)
        }
        return .ok("connections", text)
    }

    var oldTransactions: Finding {
        let transactions = facts.transactions
        if let seconds = transactions.preparedSeconds, seconds >= Self.oldTransactionSeconds {
            return .warning(
                "transactions",
                "a prepared transaction has waited for \(Self.span(seconds)), and holds back "
                    + "VACUUM",
                remedy: "COMMIT PREPARED or ROLLBACK PREPARED it (pg_prepared_xacts)")
        }
        guard let seconds = transactions.oldestSeconds, seconds >= Self.oldTransactionSeconds else {
            return .ok("transactions", "none has been open for an hour")
        }
        return .warning(
            "transactions",
            "one of \(transactions.oldestName ?? "somebody") has been open for "
                + "\(Self.span(seconds)), and holds back VACUUM",
            remedy: "end it, or find out why it is open (pg_stat_activity)")
    }

    var age: Finding {
        let transactions = facts.transactions
        let text = "the oldest transaction id is \(transactions.age) back"
        // Autovacuum begins at the one; the server stops taking writes at two billion.
        if transactions.age > 1_500_000_000 {
            return .problem(
                "age", text + ", and at two billion the server stops",
                remedy: "VACUUM the database, and look what holds it back")
        }
        if transactions.age > transactions.freezeAge + transactions.freezeAge / 2 {
            return .warning(
                "age", text + ": autovacuum does not keep up",
                remedy: "look what holds it back: old transactions, slots, a busy table")
        }
        return .ok("age", text)
    }

    // MARK: The ledger

    var ledger: [Finding] {
        guard let ledger = facts.ledger else {
            return [
                .warning(
                    "schema", "there is no ledger yet", remedy: "`run` or `migrate` makes it")
            ]
        }
        return [schema(ledger), indexes(ledger), watermark(ledger)]
            + [notifications(ledger)].compactMap(\.self)
    }

    /// Only of interest where there is one that nobody has got.
    private func notifications(_ ledger: ServerFacts.LedgerFacts) -> Finding? {
        let (waiting, lost) = (ledger.overdueNotifications, ledger.lostNotifications)
        guard waiting + lost > 0 else { return nil }
        let waits = waiting > 0 ? ["\(waiting) not sent for ten minutes"] : []
        let gone = lost > 0 ? ["\(lost) given up in the last week"] : []
        return .warning(
            "notifications", (waits + gone).joined(separator: ", "),
            remedy: "see last_error in \(ledger.schema).notifications, and whether a scheduler "
                + "runs whose schedule has the channel")
    }

    private func schema(_ ledger: ServerFacts.LedgerFacts) -> Finding {
        let text = "the schema \"\(ledger.schema)\" has version \(ledger.version)"
        if ledger.version < ledger.currentVersion {
            return .warning(
                "schema", "\(text), this program works with \(ledger.currentVersion)",
                remedy: "`run` or `migrate` brings it up to date")
        }
        if ledger.version > ledger.currentVersion {
            return .problem(
                "schema", "\(text), this program knows only \(ledger.currentVersion)",
                remedy: "use the newer program that has made it")
        }
        return .ok("schema", text)
    }

    private func indexes(_ ledger: ServerFacts.LedgerFacts) -> Finding {
        guard !ledger.invalidIndexes.isEmpty else {
            return .ok("indexes", "all of the ledger's are valid")
        }
        return .problem(
            "indexes",
            "invalid, so that nothing keeps an occurrence from a second run: "
                + ledger.invalidIndexes.joined(separator: ", "),
            remedy: "REINDEX INDEX " + ledger.invalidIndexes.joined(separator: "; REINDEX INDEX "))
    }

    private func watermark(_ ledger: ServerFacts.LedgerFacts) -> Finding {
        guard let seconds = ledger.watermarkAgeSeconds else {
            return .ok("watermark", "no scheduler has run yet")
        }
        let text = "what was due up to \(Self.span(max(0, seconds))) ago is accounted for"
        if seconds <= Self.watermarkPatienceSeconds { return .ok("watermark", text) }
        guard let node = ledger.nodes.first else {
            return .warning(
                "watermark", "no scheduler runs; \(text)", remedy: "start one with `run`")
        }
        return .problem(
            "watermark", "\(text), although \(node.name) runs",
            remedy: "look into its log for what it cannot write")
    }

    var timeZones: Finding {
        guard let own = facts.tzdataVersion else {
            return .warning(
                "tzdata", "the version of this machine's time zone data cannot be found",
                remedy: "install the package tzdata")
        }
        if let other = facts.ledger?.tzdataVersion, other != own {
            return .warning(
                "tzdata",
                "this machine has \(own), the schedule in force was reckoned with \(other)",
                remedy: "give all nodes the same version of tzdata")
        }
        return .ok("tzdata", "this machine has \(own)")
    }
}
