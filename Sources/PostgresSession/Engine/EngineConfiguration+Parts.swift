extension EngineConfiguration {
    /// The keywords of the connection string with their values, as libpq reads them; nil when it
    /// cannot. Passwords are among them: not to be shown as they are.
    package var connectionParts: [String: String]? {
        try? NativeConnection.parse(connectionString)
    }
}
