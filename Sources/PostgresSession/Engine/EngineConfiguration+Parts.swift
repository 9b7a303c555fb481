extension EngineConfiguration {
    /// The keywords of the connection string with their values, as libpq reads them; nil when it
    /// cannot. Passwords are among them: not to be shown as they are.
    package var connectionParts: [String: String]? {
        try? NativeConnection.parse(connectionString)
    }

    /// The connection string in keyword form without its passwords, for programs that have their
    /// own way to them (`~/.pgpass`, `PGPASSFILE`); nil when libpq cannot read it.
    package var connectionStringWithoutPassword: String? {
        connectionParts?.filter { !["password", "sslpassword"].contains($0.key) }
            .sorted { $0.key < $1.key }
            .map { key, value in
                let escaped = value.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
                return "\(key)='\(escaped)'"
            }.joined(separator: " ")
    }
}
