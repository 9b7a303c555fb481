package import PostgresSession

extension EngineConfiguration {
    /// How the connections behave that the ledger is used over: all of them, whoever makes them.
    ///
    /// What a role or a database has been given by `ALTER … SET` was meant for people and for other
    /// programs, and must not change what the ledger's statements mean. Of jobs it is left as it
    /// is, but for two things: a run has as good a right as any to be idle, since its connection is
    /// the proof that it lives, and the outcome is written in the run's own transaction, whose
    /// isolation level is therefore one that the job has asked for or the usual one.
    ///
    /// `default_transaction_read_only` is respected: where an administrator has closed a database
    /// to writes, nothing is to run.
    package static func ledger(_ connectionString: String) -> EngineConfiguration {
        var configuration = EngineConfiguration(connectionString)
        // Of nodes that write to the same rows one waits for the other, and none gives up.
        configuration.settings["default_transaction_isolation"] = "read committed"
        configuration.settingsOutsideSessions = [
            // A function or type of the same name, made where a role may make one, would otherwise
            // be called with the rights of the login.
            "search_path": "pg_catalog, pg_temp",
            // The statements are long and are over in milliseconds; to compile them takes longer.
            "jit": "off",
            // Retention and proofs take as long as the table is long. What may not wait has limits
            // of its own.
            "statement_timeout": "0",
        ]
        return configuration
    }
}
