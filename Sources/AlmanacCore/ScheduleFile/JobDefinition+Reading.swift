internal import Scheduling

extension JobDefinition {
    /// A definition with its canonical text and digests.
    ///
    /// - Parameter place: the key that names the job.
    init(
        name: String, description: String?, task: String, parameters: YAMLNode,
        recurrence: RecurrenceReader.Result, timeZone: Zone, isSuspended: Bool,
        transaction: TransactionMode, activeDeadlineSeconds: Int?, place: YAMLNode,
        baseDirectory: String
    ) {
        var members = recurrence.canonical
        let scheduleText = CanonicalJSON.object(members).rendered
        members += [
            ("task", .text(task)), ("parameters", CanonicalJSON(parameters)),
            ("timeZone", .text(timeZone.identifier)), ("suspend", .raw("\(isSuspended)")),
            ("transaction", .text(transaction.rawValue)),
        ]
        if let activeDeadlineSeconds {
            members.append(("activeDeadlineSeconds", .raw("\(activeDeadlineSeconds)")))
        }
        let definitionText = CanonicalJSON.object(members).rendered
        if let description { members.append(("description", .text(description))) }

        self.name = name
        self.description = description
        self.task = task
        self.parameters = parameters
        self.recurrence = recurrence.recurrence
        self.scheduleText = recurrence.text
        self.timeZone = timeZone
        self.isSuspended = isSuspended
        self.transaction = transaction
        self.activeDeadlineSeconds = activeDeadlineSeconds
        self.file = place.source.path
        self.position = place.position
        self.baseDirectory = baseDirectory
        self.canonicalText = CanonicalJSON.object(members).rendered
        self.definitionDigest = Digest.hex([definitionText])
        self.scheduleDigest = Digest.hex([scheduleText])
    }
}
