package import Scheduling

extension JobDefinition {
    /// The recurrence in a definition's ``canonicalText``, for schedules that were stored before.
    ///
    /// - Throws: ``DiagnosticsError`` where the text is none that this version can read.
    package static func recurrence(inCanonicalText text: String) throws -> Recurrence {
        let collector = DiagnosticCollector()
        let node = try YAMLParser.parse(
            text: CanonicalJSON.readableAsYAML(text), path: "stored definition")
        let recurrence = collector.valueUnlessErrors { () -> Recurrence? in
            guard let node,
                let job = MappingReader(
                    node, place: .job, subject: "a definition", collector: collector)
            else { return nil }
            return RecurrenceReader(zones: ZoneReader(), collector: collector)
                .read(job, name: node, zone: .utc, isZoneChosen: true)?.recurrence
        }
        guard let recurrence else { throw DiagnosticsError(collector.diagnostics) }
        return recurrence
    }
}
