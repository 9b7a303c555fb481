/// Comparisons of a column with another one, of the same table or of the other one of a join.
///
/// SQL's rules for NULL hold: it is equal to nothing, and neither more nor less than anything.
extension Column {
    /// Equal; NULL is equal to nothing.
    public static func == <Other: Record>(left: Self, right: Column<Other, Value>) -> Condition {
        left.compared("=", to: right)
    }

    /// Equal; NULL is equal to nothing.
    public static func == <Other: Record>(left: Self, right: Column<Other, Value?>) -> Condition {
        left.compared("=", to: right)
    }

    /// Equal; NULL is equal to nothing.
    public static func == <Other: Record, Wrapped>(
        left: Self, right: Column<Other, Wrapped>
    ) -> Condition where Value == Wrapped? {
        left.compared("=", to: right)
    }

    /// Not equal; NULL counts as a value like any other.
    public static func != <Other: Record>(left: Self, right: Column<Other, Value>) -> Condition {
        left.compared("IS DISTINCT FROM", to: right)
    }

    /// Less; false for NULL.
    public static func < <Other: Record>(left: Self, right: Column<Other, Value>) -> Condition {
        left.compared("<", to: right)
    }

    /// Less or equal; false for NULL.
    public static func <= <Other: Record>(left: Self, right: Column<Other, Value>) -> Condition {
        left.compared("<=", to: right)
    }

    /// Greater; false for NULL.
    public static func > <Other: Record>(left: Self, right: Column<Other, Value>) -> Condition {
        left.compared(">", to: right)
    }

    /// Greater or equal; false for NULL.
    public static func >= <Other: Record>(left: Self, right: Column<Other, Value>) -> Condition {
        left.compared(">=", to: right)
    }

    private func compared<Other: Record, OtherValue>(
        _ comparison: SQL, to other: Column<Other, OtherValue>
    ) -> Condition {
        Condition("\(expression) \(comparison) \(other.expression)", error ?? other.error)
    }
}

/// What the server computes of a column, for comparisons and bulk updates.
extension Column where Value: PostgresEncodable & Numeric {
    /// The sum.
    public static func + (column: Self, value: Value) -> Self {
        column.computed("+", "\(value)")
    }

    /// The difference.
    public static func - (column: Self, value: Value) -> Self {
        column.computed("-", "\(value)")
    }

    /// The product.
    public static func * (column: Self, value: Value) -> Self {
        column.computed("*", "\(value)")
    }

    /// The sum of two columns.
    public static func + <Other: Record>(left: Self, right: Column<Other, Value>) -> Self {
        left.computed("+", right.expression, right.error)
    }

    /// The difference of two columns.
    public static func - <Other: Record>(left: Self, right: Column<Other, Value>) -> Self {
        left.computed("-", right.expression, right.error)
    }

    private func computed(_ operation: SQL, _ operand: SQL, _ other: PostgresError? = nil) -> Self {
        Column(
            name: name, expression: "(\(expression) \(operation) \(operand))",
            error: error ?? other)
    }
}
