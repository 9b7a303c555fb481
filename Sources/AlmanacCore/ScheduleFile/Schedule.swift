/// The jobs of all schedule files together.
package struct Schedule: Sendable {
    /// The version of the format.
    package let version: Int
    /// In the order of their names.
    package let jobs: [JobDefinition]
    /// What the jobs were read from.
    package let files: [SourceFile]
    /// The environment that they are for, if one of the files says so.
    package var environment: String?
    /// Where notifications go, in the order of their names. No part of the digest, for they hold
    /// what is a matter of the node: programs, addresses and references to secrets.
    package var channels: [Channel] = []

    package init(jobs: consuming [JobDefinition], files: [SourceFile]) {
        // In place: there may be a hundred thousand.
        jobs.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        self.version = Self.formatVersion
        self.jobs = jobs
        self.files = files
    }

    /// Changes with any job's definition, its description included; not with places and comments.
    /// Made anew from all definitions each time.
    package var digest: String {
        Digest.hex(jobs.lazy.flatMap { [$0.name, $0.canonicalText] })
    }

    /// The job of that name.
    package func job(named name: String) -> JobDefinition? {
        var (low, high) = (0, jobs.count)
        while low < high {
            let middle = (low + high) / 2
            if jobs[middle].name == name { return jobs[middle] }
            if jobs[middle].name.utf8.lexicographicallyPrecedes(name.utf8) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return nil
    }

    /// The version of the format that is read.
    package static let formatVersion = 1
}

/// The tasks that a schedule can name.
package protocol TaskCatalog: Sendable {
    /// The names of all tasks.
    var taskNames: [String] { get }

    /// Problems of the parameters for a task that exists.
    ///
    /// - Parameters:
    ///   - name: one of ``taskNames``.
    ///   - parameters: a mapping, perhaps empty.
    ///   - definition: what else the job says that matters for them.
    func check(
        task name: String, parameters: YAMLNode, definition: TaskDefinition
    ) -> [Diagnostic]
}
