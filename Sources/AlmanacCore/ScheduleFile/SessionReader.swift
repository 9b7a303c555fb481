internal import Foundation

/// Reads `session`, `isolation` and `readOnly` of a job.
struct SessionReader {
    let job: MappingReader
    let collector: DiagnosticCollector

    func read(transaction: TransactionMode) -> SessionSettings {
        var settings = SessionSettings()
        if let node = job.value("session") { read(node, into: &settings) }
        settings.isolation = job.read("isolation", choices: SessionSettings.Isolation.self)
        settings.isReadOnly = job.read("readOnly", as: Bool.self) ?? false
        if transaction == .none {
            for key in ["isolation", "readOnly"] { refuseWithoutTransaction(key) }
        }
        return settings
    }

    private func refuseWithoutTransaction(_ key: String) {
        guard let node = job.key(key) else { return }
        collector.add(
            Diagnostic(
                category: .value, at: node,
                message: "'\(key)' is about a transaction, and 'transaction: none' has none",
                help: "remove it, or write 'transaction: perRun' or 'explicit'"))
    }

    private func read(_ node: YAMLNode, into settings: inout SessionSettings) {
        guard
            let session = MappingReader(
                node, place: .session, subject: "'session'", collector: collector)
        else { return }
        settings.role = name("role", in: session)
        settings.searchPath = schemas(in: session)
        settings.statementTimeoutSeconds = duration("statementTimeout", in: session)
        settings.lockTimeoutSeconds = duration("lockTimeout", in: session)
        settings.settings = parameters(in: session)
    }

    private func name(_ key: String, in reader: MappingReader) -> String? {
        guard let node = reader.value(key), let text = reader.read(key, as: String.self) else {
            return nil
        }
        if let problem = Self.problem(with: text, "'\(key)'") {
            reader.report(problem, at: node)
            return nil
        }
        return text
    }

    /// A name of SQL has one byte at least and 63 at the most; the server cuts longer ones in
    /// silence, which makes them another name.
    private static func problem(with name: String, _ subject: String) -> YAMLValueError? {
        if name.isEmpty { return YAMLValueError(message: "\(subject) is empty") }
        if name.utf8.contains(0) { return YAMLValueError(message: "\(subject) holds a NUL") }
        guard name.utf8.count > 63 else { return nil }
        return YAMLValueError(
            message: "\(subject) is longer than the 63 bytes that a name may have in Postgres")
    }

    private func schemas(in reader: MappingReader) -> [String] {
        guard let node = reader.value("searchPath") else { return [] }
        let help = "write [app, public], a schema each, without quotes of SQL"
        guard let items = node.sequence, !items.isEmpty else {
            reader.report(
                YAMLValueError(
                    message: node.sequence == nil
                        ? "'searchPath' must be a list, not \(node.kindInWords)"
                        : "'searchPath' is an empty list", help: help), at: node)
            return []
        }
        return items.compactMap { item in
            do {
                let text = try String(item, subject: "an item of 'searchPath'")
                if let problem = Self.problem(with: text, "an item of 'searchPath'") {
                    throw problem
                }
                return text
            } catch {
                if let error = error as? YAMLValueError { reader.report(error, at: item) }
                return nil
            }
        }
    }

    private func duration(_ key: String, in reader: MappingReader) -> Int64? {
        guard let node = reader.value(key), let text = reader.read(key, as: String.self) else {
            return nil
        }
        do throws(YAMLValueError) {
            let seconds = try DurationText.seconds(text)
            guard (1...ServerLimit.longestSeconds).contains(seconds) else {
                throw YAMLValueError(
                    message: "'\(key)' must be from 1s to 24d, not \(text.shortened(to: 40))")
            }
            return seconds
        } catch {
            reader.report(error, at: node)
            return nil
        }
    }

    // MARK: settings

    /// Settings that have a key of their own, by their names in lower case.
    private static let keys: [String: String] = [
        "role": "role", "search_path": "searchPath", "statement_timeout": "statementTimeout",
        "lock_timeout": "lockTimeout",
    ]

    /// Settings that are not the job's to make: results are read by them, or they say who it is.
    private static let ours: Set<String> = [
        "session_authorization", "client_encoding", "datestyle", "intervalstyle", "bytea_output",
        "extra_float_digits", "standard_conforming_strings", "application_name",
        "transaction_isolation", "transaction_read_only", "default_transaction_isolation",
        "default_transaction_read_only",
    ]

    private func parameters(in reader: MappingReader) -> [String: String] {
        guard let node = reader.value("settings") else { return [:] }
        guard let pairs = node.mapping else {
            reader.report(
                YAMLValueError(
                    message: "'settings' must be a mapping, not \(node.kindInWords)",
                    help: "write {work_mem: 256MB}"), at: node)
            return [:]
        }
        var settings: [String: String] = [:]
        for pair in pairs {
            if let problem = Self.problem(withSetting: pair.name) {
                reader.report(problem, at: pair.key)
                continue
            }
            do {
                let value = try String(pair.value, subject: "the setting '\(pair.name)'")
                guard !value.utf8.contains(0) else {
                    throw YAMLValueError(message: "the setting '\(pair.name)' holds a NUL")
                }
                settings[pair.name] = value
            } catch {
                if let error = error as? YAMLValueError { reader.report(error, at: pair.value) }
            }
        }
        return settings
    }

    private static func problem(withSetting name: String) -> YAMLValueError? {
        let shown = name.shortened(to: 60)
        let isName = name.range(
            of: "^[A-Za-z_][A-Za-z0-9_$]*([.][A-Za-z_][A-Za-z0-9_$]*)*$",
            options: .regularExpression)
        guard isName != nil, name.utf8.count <= 63 else {
            return YAMLValueError(
                message: "'\(shown)' cannot be the name of a setting",
                help: "write one of Postgres, such as work_mem, or one of your own with a dot, "
                    + "such as app.tenant")
        }
        if let key = keys[name.lowercased()] {
            return YAMLValueError(
                message: "'\(shown)' has a key of its own", help: "write '\(key)' in 'session'")
        }
        guard ours.contains(name.lowercased()) else { return nil }
        let other =
            name.lowercased().contains("transaction_")
            ? "write 'isolation' or 'readOnly' in the job"
            : "Almanac goes by its value; remove it"
        return YAMLValueError(message: "'\(shown)' cannot be set by a job", help: other)
    }
}
