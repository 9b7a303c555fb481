/// A type of the server, by its OID in `pg_type`.
public struct PostgresType: Sendable, Hashable {
    /// The OID; 0 lets the server infer the type from where a parameter stands.
    public let oid: UInt32

    /// The type with the given OID.
    public init(oid: UInt32) {
        self.oid = oid
    }

    /// Left to the server, as for a quoted literal: `$1` compared with an enum column is that enum.
    public static let inferred = PostgresType(oid: 0)
    /// `boolean`
    public static let bool = PostgresType(oid: 16)
    /// `bytea`
    public static let bytea = PostgresType(oid: 17)
    /// `bigint`
    public static let int8 = PostgresType(oid: 20)
    /// `smallint`
    public static let int2 = PostgresType(oid: 21)
    /// `integer`
    public static let int4 = PostgresType(oid: 23)
    /// `text`
    public static let text = PostgresType(oid: 25)
    /// `oid`
    public static let oid = PostgresType(oid: 26)
    /// `json`
    public static let json = PostgresType(oid: 114)
    /// `jsonb`
    public static let jsonb = PostgresType(oid: 3802)
    /// `real`
    public static let float4 = PostgresType(oid: 700)
    /// `double precision`
    public static let float8 = PostgresType(oid: 701)
    /// `date`
    public static let date = PostgresType(oid: 1082)
    /// `timestamp without time zone`
    public static let timestamp = PostgresType(oid: 1114)
    /// `timestamp with time zone`
    public static let timestamptz = PostgresType(oid: 1184)
    /// `numeric`
    public static let numeric = PostgresType(oid: 1700)
    /// `time without time zone`
    public static let time = PostgresType(oid: 1083)
    /// `interval`
    public static let interval = PostgresType(oid: 1186)
    /// `int4range`
    public static let int4range = PostgresType(oid: 3904)
    /// `numrange`
    public static let numrange = PostgresType(oid: 3906)
    /// `tsrange`
    public static let tsrange = PostgresType(oid: 3908)
    /// `tstzrange`
    public static let tstzrange = PostgresType(oid: 3910)
    /// `daterange`
    public static let daterange = PostgresType(oid: 3912)
    /// `int8range`
    public static let int8range = PostgresType(oid: 3926)
    /// `uuid`
    public static let uuid = PostgresType(oid: 2950)

    /// The name the server gives the type, or its OID for a type not known here.
    public var name: String {
        PostgresType.names[oid] ?? "type \(oid)"
    }

    /// The type of an array whose elements are of this type; inferred for one not known here.
    public var array: PostgresType {
        PostgresType(oid: PostgresType.arrays[oid] ?? 0)
    }

    /// The type of the elements, if this is an array type known here.
    var element: PostgresType? {
        PostgresType.elements[oid].map(PostgresType.init(oid:))
    }

    /// The type of the ends, if this is a range type known here.
    var rangeBound: PostgresType? {
        switch self {
        case .int4range: .int4
        case .int8range: .int8
        case .numrange: .numeric
        case .tsrange: .timestamp
        case .tstzrange: .timestamptz
        case .daterange: .date
        default: nil
        }
    }

    /// True for a type that `CREATE TYPE` or an extension made: an enum, a domain, citext.
    var isUserDefined: Bool { oid >= 16384 }

    private static let names: [UInt32: String] = {
        var names: [UInt32: String] = [
            0: "inferred", 16: "bool", 17: "bytea", 18: "char", 19: "name", 20: "int8", 21: "int2",
            23: "int4", 25: "text", 26: "oid", 28: "xid", 114: "json", 142: "xml", 700: "float4",
            701: "float8", 705: "unknown", 790: "money", 869: "inet", 1042: "bpchar",
            1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp", 1184: "timestamptz",
            1186: "interval", 1266: "timetz", 1700: "numeric", 2205: "regclass", 2249: "record",
            2278: "void", 2950: "uuid", 3220: "pg_lsn", 3802: "jsonb", 3904: "int4range",
            3906: "numrange", 3908: "tsrange", 3910: "tstzrange", 3912: "daterange",
            3926: "int8range", 5069: "xid8",
        ]
        for (element, array) in arrays {
            names[array] = names[element].map { "\($0)[]" }
        }
        return names
    }()

    private static let arrays: [UInt32: UInt32] = [
        16: 1000, 17: 1001, 18: 1002, 19: 1003, 20: 1016, 21: 1005, 23: 1007, 25: 1009, 26: 1028,
        114: 199, 700: 1021, 701: 1022, 1042: 1014, 1043: 1015, 1082: 1182, 1083: 1183,
        1114: 1115, 1184: 1185, 1186: 1187, 1700: 1231, 2950: 2951, 3802: 3807, 869: 1041,
        3904: 3905, 3906: 3907, 3908: 3909, 3910: 3911, 3912: 3913, 3926: 3927,
    ]

    private static let elements = Dictionary(
        arrays.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
}
