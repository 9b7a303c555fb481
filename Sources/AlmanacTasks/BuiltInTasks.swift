public import AlmanacCore

/// The tasks that every program has.
public enum BuiltInTasks {
    /// Their types.
    public static let types: [any BatchTask.Type] = [
        SQLTask.self, CommandTask.self, HTTPTask.self,
    ]
}
