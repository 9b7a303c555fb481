extension SQL: ExpressibleByStringInterpolation {
    /// Literal text, without parameters.
    public init(stringLiteral text: String) {
        append(raw: text)
    }

    /// Text and parameters.
    public init(stringInterpolation interpolation: StringInterpolation) {
        self = interpolation.sql
    }

    /// What collects the parts of an interpolated `SQL`.
    public struct StringInterpolation: StringInterpolationProtocol {
        var sql = SQL()

        /// Called by the compiler.
        public init(literalCapacity: Int, interpolationCount: Int) {}

        /// Called by the compiler for text between values.
        public mutating func appendLiteral(_ literal: String) {
            sql.append(raw: literal)
        }

        /// Binds a value.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value) {
            sql.append(value.postgresParameter())
        }

        /// Binds a value, or NULL. Beside the general one so that the compiler does not take the
        /// optional for a debug print.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            sql.append(value.postgresParameter())
        }

        /// Binds the raw value of an enum or another wrapper.
        @_disfavoredOverload
        public mutating func appendInterpolation<Value: RawRepresentable>(_ value: Value)
        where Value.RawValue: PostgresEncodable {
            sql.append(value.rawValue.postgresParameter())
        }

        /// Binds an already encoded value.
        public mutating func appendInterpolation(_ parameter: Parameter) {
            sql.append(parameter)
        }

        /// Splices a fragment in; its parameters are renumbered.
        public mutating func appendInterpolation(_ fragment: SQL) {
            sql.append(fragment)
        }

        /// Quotes an identifier, one part of a name: `\(identifier: schema).\(identifier: table)`.
        public mutating func appendInterpolation(identifier name: String) {
            sql.append(raw: SQL.quoted(identifier: name))
        }

        /// Pastes text as it is. Never give it what comes from outside.
        public mutating func appendInterpolation(raw text: String) {
            sql.append(raw: text)
        }
    }
}
