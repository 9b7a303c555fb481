import AlmanacCore
import Foundation
import PostgresSession

extension ServerFacts {
    /// The settings that can get in the way of runs.
    private static let settingNames = [
        "fsync", "full_page_writes", "synchronous_commit",
        "default_transaction_read_only", "server_encoding", "idle_in_transaction_session_timeout",
        "statement_timeout", "transaction_timeout",
        "lock_timeout", "track_activities", "lc_messages",
    ]

    /// Asks a server over a connection of Almanac's.
    ///
    /// - Throws: `PostgresError`.
    init(
        _ connection: Connection, schema: String, workers: Int, clock: any WallClock,
        tzdataVersion: String?
    ) throws {
        version = connection.serverVersion
        isBehindPooler = connection.isBehindPooler
        self.tzdataVersion = tzdataVersion
        try connection.execute("RESET statement_timeout")
        let rows = try connection.query(
            """
            SELECT name, setting FROM pg_catalog.pg_settings \
            WHERE name = ANY(\(Self.settingNames))
            """)
        for row in rows { settings[try row.get("name")] = try row.get("setting", as: String.self) }
        isStandby = try Self.value("pg_catalog.pg_is_in_recovery()", connection) ?? false
        self.clock = try ClockFacts(connection, clock)
        role = try RoleFacts(connection)
        connections = try ConnectionFacts(connection, workers)
        transactions = try TransactionFacts(connection)
        ledger = try LedgerFacts(connection, schema)
        if ledger?.isOpen == true { role.others = try RoleFacts.others(connection, schema) }
    }

    /// The value of an expression.
    fileprivate static func value<Value: PostgresDecodable>(
        _ expression: SQL, _ connection: Connection
    ) throws -> Value? {
        try connection.query("SELECT \(expression) AS value").first?.get("value", as: Value?.self)
            ?? nil
    }
}

extension ServerFacts.ClockFacts {
    /// Asks for the time between two looks at this machine's clock.
    fileprivate init(_ connection: Connection, _ clock: any WallClock) throws {
        let before = clock.now
        let server: Date? = try ServerFacts.value("clock_timestamp()", connection)
        let after = clock.now
        guard let server else { return }
        errorSeconds = after.timeIntervalSince(before) / 2
        offsetSeconds = before.addingTimeInterval(errorSeconds).timeIntervalSince(server)
    }
}

extension ServerFacts.RoleFacts {
    fileprivate init(_ connection: Connection) throws {
        let rows = try connection.query(
            """
            SELECT session_user::text AS name, \
            has_database_privilege(current_database(), 'CREATE') AS creates, \
            has_database_privilege(current_database(), 'TEMPORARY') AS makes_temporary, \
            pg_has_role('pg_read_all_stats', 'USAGE') AS sees, \
            pg_has_role('pg_signal_backend', 'USAGE') AS ends
            """)
        guard let row = rows.first else { return }
        name = try row.get("name")
        mayCreateSchemas = try row.get("creates")
        mayMakeTemporaryTables = try row.get("makes_temporary")
        maySeeOthers = try row.get("sees")
        mayEndOthers = try row.get("ends")
    }

    /// The login roles of living nodes, but for this one.
    fileprivate static func others(_ connection: Connection, _ schema: String) throws -> [String] {
        try connection.query(
            """
            SELECT DISTINCT a.usename::text AS name FROM \(ServerFacts.nodes(schema)) AS n \
            JOIN pg_catalog.pg_stat_activity AS a ON a.pid = n.backend_pid \
            WHERE n.stopped_at IS NULL AND a.usename <> session_user ORDER BY name
            """
        ).map { try $0.get("name") }
    }
}

extension ServerFacts.ConnectionFacts {
    init(_ connection: Connection, _ workers: Int) throws {
        ownWorkers = workers
        let rows = try connection.query(
            """
            SELECT (SELECT sum(CASE name WHEN 'max_connections' THEN setting::int \
            ELSE -setting::int END)::int FROM pg_catalog.pg_settings WHERE name IN \
            ('max_connections', 'superuser_reserved_connections', 'reserved_connections')) \
            AS connection_limit, \
            (SELECT rolconnlimit FROM pg_catalog.pg_roles WHERE rolname = session_user) \
            AS role_limit, (SELECT datconnlimit FROM pg_catalog.pg_database \
            WHERE datname = current_database()) AS database_limit, \
            (SELECT count(*)::int FROM pg_catalog.pg_stat_activity \
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() \
            AND coalesce(application_name, '') NOT LIKE 'almanac%') AS others
            """)
        guard let row = rows.first else { return }
        limit = try row.get("connection_limit")
        // -1 is none.
        roleLimit = try row.get("role_limit", as: Int?.self).flatMap { $0 < 0 ? nil : $0 }
        databaseLimit = try row.get("database_limit", as: Int?.self).flatMap { $0 < 0 ? nil : $0 }
        othersInUse = try row.get("others")
    }
}

extension ServerFacts.TransactionFacts {
    fileprivate init(_ connection: Connection) throws {
        let oldest = try connection.query(
            """
            SELECT extract(epoch FROM clock_timestamp() - xact_start)::float8 AS seconds, \
            format('%s (pid %s, role %s)', coalesce(nullif(application_name, ''), 'a client'), \
            pid, usename) AS name FROM pg_catalog.pg_stat_activity \
            WHERE xact_start IS NOT NULL AND backend_type = 'client backend' \
            AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 1
            """
        ).first
        oldestSeconds = try oldest?.get("seconds")
        oldestName = try oldest?.get("name")
        preparedSeconds = try ServerFacts.value(
            """
            (SELECT extract(epoch FROM clock_timestamp() - min(prepared))::float8 \
            FROM pg_catalog.pg_prepared_xacts)
            """, connection)
        age =
            try ServerFacts.value(
                """
                (SELECT age(datfrozenxid) FROM pg_catalog.pg_database \
                WHERE datname = current_database())
                """, connection) ?? 0
        freezeAge =
            try ServerFacts.value(
                "current_setting('autovacuum_freeze_max_age')::int", connection) ?? freezeAge
    }
}

extension ServerFacts {
    fileprivate static func nodes(_ schema: String) -> SQL { "\(identifier: schema).nodes" }
}

extension ServerFacts.LedgerFacts {
    /// Nil when there is no ledger, or one that this role may not even look at.
    fileprivate init?(_ connection: Connection, _ schema: String) throws {
        self.schema = schema
        currentVersion = LedgerSchema.currentVersion
        closedTables = try Self.relations(
            connection, schema,
            """
            c.relkind = 'r' AND c.relname <> 'migrations' \
            AND NOT (has_schema_privilege(n.oid, 'USAGE') \
            AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') \
            AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
            """)
        let isThere = try Self.relations(connection, schema, "c.relname = 'migrations'").count == 1
        guard isThere else { return nil }
        invalidIndexes = try Self.relations(
            connection, schema,
            """
            c.relkind = 'i' AND EXISTS (SELECT FROM pg_catalog.pg_index AS i \
            WHERE i.indexrelid = c.oid AND NOT i.indisvalid)
            """)
        guard closedTables.isEmpty else { return }
        version =
            try ServerFacts.value(
                "(SELECT coalesce(max(version), 0)::int FROM \(identifier: schema).migrations)",
                connection) ?? 0
        if isOpen { try look(connection) }
    }

    /// Whether there is something to look into: an older version may not have the tables yet.
    fileprivate var isOpen: Bool { closedTables.isEmpty && version == currentVersion }

    private mutating func look(_ connection: Connection) throws {
        watermarkAgeSeconds = try ServerFacts.value(
            """
            (SELECT extract(epoch FROM clock_timestamp() - accounted_until)::float8 \
            FROM \(identifier: schema).watermark)
            """, connection)
        tzdataVersion = try ServerFacts.value(
            """
            (SELECT tzdata_version FROM \(identifier: schema).schedule_versions \
            ORDER BY schedule_version DESC LIMIT 1)
            """, connection)
        nodes = try connection.query(
            """
            SELECT n.node, n.workers FROM \(ServerFacts.nodes(schema)) AS n \
            WHERE n.stopped_at IS NULL AND EXISTS \
            (SELECT FROM pg_catalog.pg_stat_get_activity(n.backend_pid) AS a \
            WHERE a.backend_start = n.backend_start OR a.backend_start IS NULL) ORDER BY n.node
            """
        ).map { .init(name: try $0.get("node"), workers: try $0.get("workers")) }
        let open = try connection.query(
            """
            SELECT count(*) FILTER (WHERE given_up_at IS NULL \
            AND noted_at < clock_timestamp() - interval '10 minutes')::int AS waiting, \
            count(*) FILTER (WHERE given_up_at > clock_timestamp() - interval '7 days')::int \
            AS lost FROM \(identifier: schema).notifications WHERE delivered_at IS NULL
            """
        ).first
        overdueNotifications = try open?.get("waiting") ?? 0
        lostNotifications = try open?.get("lost") ?? 0
    }

    private static func relations(
        _ connection: Connection, _ schema: String, _ condition: SQL
    ) throws -> [String] {
        try connection.query(
            """
            SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_catalog.pg_class AS c \
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
            WHERE n.nspname = \(schema) AND (\(condition)) ORDER BY name
            """
        ).map { try $0.get("name") }
    }
}
