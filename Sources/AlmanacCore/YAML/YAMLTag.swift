/// The tags of the core schema; all others are refused.
enum YAMLTag {
    private static let prefix = "tag:yaml.org,2002:"

    /// What a tagged scalar is; `nil` where the tag is none of ours or the text does not fit it.
    static func kind(ofScalar text: String, tag: String) -> YAMLScalar.Kind? {
        if tag == "!" { return .string }
        guard tag.hasPrefix(prefix) else { return nil }
        let natural = CoreSchema.kind(of: text)
        switch tag.dropFirst(prefix.count) {
        case "str": return .string
        case "null": return natural == .null ? .null : nil
        case "bool": return natural == .boolean ? .boolean : nil
        case "int": return natural == .integer ? .integer : nil
        case "float": return natural == .float || natural == .integer ? .float : nil
        default: return nil
        }
    }

    static func fits(_ tag: String, isMapping: Bool) -> Bool {
        tag == "!" || tag == prefix + (isMapping ? "map" : "seq")
    }

    static func problem(_ tag: String, of what: String) -> String {
        guard tag.hasPrefix(prefix) else {
            return "the tag '\(tag.shortened(to: 60))' is not known"
        }
        let short = tag.dropFirst(prefix.count)
        return "the tag '!!\(String(short).shortened(to: 60))' does not fit \(what)"
    }
}
