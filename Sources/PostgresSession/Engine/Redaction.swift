/// Takes the password out of what libpq says.
struct Redaction {
    private var secrets: [String] = []

    init(_ connectionString: String) {
        let values = try? NativeConnection.parse(connectionString)
        for key in ["password", "sslpassword"] {
            if let secret = values?[key] { secrets.append(secret) }
        }
        // In `postgresql://user:password/name`, where the host was forgotten, it takes the port's
        // place, and libpq says that it is no number.
        for port in values?["port"]?.split(separator: ",") ?? [] where UInt16(port) == nil {
            secrets.append(String(port))
        }
        // Without either sign it is the name of a database, and no secret.
        guard values == nil, connectionString.contains("=") || connectionString.contains("://")
        else { return }
        // It does not parse, so libpq's message may quote any part of it, and where the password
        // stands can only be guessed: leave out every word of it that is not harmless.
        let separators: Set<Character> = [" ", "'", "\"", "/", "@", "=", "&", "?", ",", "\n", "\t"]
        secrets = connectionString.split { separators.contains($0) }.map(String.init)
        secrets += secrets.flatMap { $0.split(separator: ":").map(String.init) }
        secrets.append(connectionString)
        secrets = secrets.filter { !Redaction.harmless.contains($0) }
    }

    /// `message` without the secrets.
    func callAsFunction(_ message: String) -> String {
        secrets.filter { !$0.isEmpty }.sorted { $0.utf8.count > $1.utf8.count }
            .reduce(message) { text, secret in text.replacing(secret, with: "…") }
    }

    private static let harmless: Set<String> = [
        "postgres:", "postgresql:", "postgres", "postgresql", "host", "port", "user", "dbname",
        "password", "localhost", ":",
    ]
}
