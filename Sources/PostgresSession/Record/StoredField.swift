// The names and offsets of a type's stored properties are public to nobody but the standard
// library's own reflection; there is no other way to them without a macro.
@_spi(Reflection) internal import Swift

/// A stored property as the type's metadata describe it.
struct StoredField {
    let name: String
    let offset: Int
    let typeName: String

    /// The stored properties of a struct, in order; none for anything else.
    static func all(of type: Any.Type) -> [StoredField] {
        var fields: [StoredField] = []
        _ = _forEachField(of: type, options: []) { name, offset, type, _ in
            fields.append(
                StoredField(name: String(cString: name), offset: offset, typeName: "\(type)"))
            return true
        }
        return fields
    }
}
