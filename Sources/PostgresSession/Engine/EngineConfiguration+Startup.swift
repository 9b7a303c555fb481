internal import Foundation

extension EngineConfiguration {
    /// The session settings as `options` of the startup packet (PostgreSQL manual, 34.1.2), behind
    /// those the connection string or `PGOPTIONS` already has. RESET ALL goes back to them, so a
    /// reset has nothing to set.
    ///
    /// Nil where others may have options that this place does not see: in a service file.
    var startupOptions: String? {
        let environment = ProcessInfo.processInfo.environment
        let parts = connectionParts ?? [:]
        guard parts["service"] == nil, environment["PGSERVICE"] == nil else { return nil }
        var words = (parts["options"] ?? environment["PGOPTIONS"]).map { [$0] } ?? []
        words += sessionSettings(serverVersion: .max).map { name, value in
            "-c \(name)=\(EngineConfiguration.escaped(option: value))"
        }
        if clientConnectionCheckMilliseconds > 0 {
            words.append("-c client_connection_check_interval=\(clientConnectionCheckMilliseconds)")
        }
        return words.joined(separator: " ")
    }

    /// The server splits options at white space that no backslash stands before.
    static func escaped(option value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing(" ", with: "\\ ")
    }

    /// True for the answers of a server that does not know one of the options, or of a pooler that
    /// takes none.
    static func refusesOptions(sqlState: String?) -> Bool {
        ["42704", "22023", "08P01"].contains(sqlState)
    }
}
