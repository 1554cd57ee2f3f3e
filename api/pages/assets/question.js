/** What holds for a question wherever it is asked. */

/** @typedef {import("./calls.js").Schemas} Schemas */

/**
 * Whether a question is asked: not when another answer makes it needless.
 * @param {Schemas["QuestionToAsk"]} question
 * @param {(id: string) => unknown} findAnswer gives nothing for a question that is not answered
 */
export function isAsked(question, findAnswer) {
  return Object.entries(question.asked_only_if).every(([id, wanted]) => {
    const answer = findAnswer(id) ?? null;
    return answer === null || answer === wanted;
  });
}

/**
 * A question by its id, in whichever section it is.
 * @param {Schemas["SectionToAsk"][]} sections
 * @param {string} id
 */
export function findQuestion(sections, id) {
  for (const section of sections) {
    const question = section.questions.find((one) => one.id === id);
    if (question) return question;
  }
  return undefined;
}
