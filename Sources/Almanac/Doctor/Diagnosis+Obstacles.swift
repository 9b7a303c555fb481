import AlmanacCore

extension Diagnosis {
    /// What keeps a node from working at all, or from a part of its work; nothing where nothing
    /// does.
    var obstacles: [Finding] {
        var found: [Finding] = []
        let role = facts.role
        if facts.settings["default_transaction_read_only"] == "on", !facts.isStandby {
            found.append(
                .problem(
                    "default_transaction_read_only",
                    "is on: nothing can be written, and a node waits until that is over",
                    remedy: "ALTER ROLE \(role.name) SET default_transaction_read_only = off"))
        }
        if let encoding = facts.settings["server_encoding"], !LedgerSchema.takes(encoding) {
            found.append(
                .problem(
                    "server_encoding",
                    "is \(encoding), which has no room for all the texts of a ledger",
                    remedy: LedgerSchema.encodingRemedy))
        }
        if !role.mayMakeTemporaryTables {
            found.append(
                .problem(
                    "temporary tables",
                    "the role \(role.name) may not make any, and retention needs one",
                    remedy: "GRANT TEMPORARY ON DATABASE … TO \(role.name)"))
        }
        return found
    }
}
