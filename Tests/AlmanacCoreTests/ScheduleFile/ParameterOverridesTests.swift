import Testing

@testable import AlmanacCore

@Suite("Parameters of one run")
struct ParameterOverridesTests {
    @Test(
        "values are read as YAML",
        arguments: [
            (["rows=5"], #"{"rows":5}"#), (["b=no", "a=true"], #"{"a":true,"b":"no"}"#),
            (["x="], #"{"x":null}"#), (["x=a=b"], #"{"x":"a=b"}"#),
            (["x=[1, two]"], #"{"x":[1,"two"]}"#), (["x={y: 1}"], #"{"x":{"y":1}}"#),
            (["x='5'"], #"{"x":"5"}"#), ([#"a"b=1"#], #"{"a\"b":1}"#), ([], "{}"),
            (["x=ü☃"], #"{"x":"ü☃"}"#),
        ])
    func values(texts: [String], json: String) throws {
        #expect(try ParameterOverrides(given: texts).json == json)
    }

    @Test(
        "what is none is refused with what to do",
        arguments: [
            (["rows"], "'rows' is not name=value, such as rows=500"),
            (["=5"], "'=5' is not name=value, such as rows=500"),
            (["a=1", "a=2"], "'a' is there twice"),
            (["a=1\nb: 2"], "the value of 'a' is not one value"),
        ])
    func refused(texts: [String], message: String) {
        let problem = #expect(throws: ParameterOverrides.Problem.self) {
            try ParameterOverrides(given: texts)
        }
        #expect(problem?.description == message)
    }

    @Test("what is no YAML is told as such")
    func noYAML() {
        let problem = #expect(throws: ParameterOverrides.Problem.self) {
            try ParameterOverrides(given: ["a=[1"])
        }
        #expect(problem?.description.hasPrefix("the value of 'a' is no YAML: ") == true)
    }

    @Test("they replace those of the same name, are added otherwise, and survive the database")
    func applied() throws {
        let parameters = try #require(try YAMLParser.parse(text: "{a: 1, b: two}", path: "p"))
        let given = try ParameterOverrides(given: ["b=3", "c=x y"])
        let stored = try ParameterOverrides(json: given.json)
        #expect(stored.json == given.json)
        #expect(
            CanonicalJSON(stored.applied(to: parameters)).rendered
                == #"{"a":1,"b":3,"c":"x y"}"#)
        let none = try ParameterOverrides(json: "{}")
        #expect(none.isEmpty)
        #expect(none.applied(to: parameters) == parameters)
    }
}
