import Foundation
import Scheduling

/// The dialogue of `next --stdin`: a question on each line, an answer on each line, in order.
enum NextQuestions {
    /// How many instants one question may ask for.
    static let mostInstants = 10_000

    private struct Question: Decodable {
        var expr: String
        var tz: String?
        var from: String
        var count: Int?
    }

    private struct Answer: Encodable {
        var next: [String]?
        var error: String?
    }

    /// Answers until standard input ends.
    static func answerStandardInput() {
        while let line = readLine() {
            guard !line.allSatisfy(\.isWhitespace) else { continue }
            Console.print(answer(line))
        }
    }

    /// The answer to one line.
    static func answer(_ line: String) -> String {
        do {
            return encode(Answer(next: try instants(line).map(\.description)))
        } catch let error as QuestionError {
            return encode(Answer(error: error.message))
        } catch is DecodingError {
            return encode(
                Answer(
                    error:
                        "not a JSON object with expr, tz, from and count: expr and from are needed")
            )
        } catch {
            return encode(Answer(error: String(describing: error)))
        }
    }

    private struct QuestionError: Error {
        let message: String
    }

    private static func instants(_ line: String) throws -> [Instant] {
        let question = try JSONDecoder().decode(Question.self, from: Data(line.utf8))
        let expression = try CronExpression(question.expr)
        let zone = try Zone(question.tz ?? "UTC")
        guard var instant = Instant(iso8601: question.from) else {
            throw QuestionError(message: "from is no ISO 8601 instant with an offset")
        }
        let count = question.count ?? 1
        guard (0...mostInstants).contains(count) else {
            throw QuestionError(message: "count takes a number from 0 to \(mostInstants)")
        }
        var instants: [Instant] = []
        while instants.count < count, let next = expression.next(after: instant, in: zone) {
            instants.append(next)
            instant = next
        }
        return instants
    }

    private static func encode(_ answer: Answer) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        let data = (try? encoder.encode(answer)) ?? Data(#"{"error":"no answer"}"#.utf8)
        return String(decoding: data, as: UTF8.self)
    }
}
