import type { AssessRequest, Question, Questionnaire } from "./service.js";

/** The questionnaire as text; where there are answers, the questions that they make pointless are marked. */
export function renderQuestionnaire(questionnaire: Questionnaire, person: AssessRequest): string {
  const labels = labelsOf(questionnaire);
  const given = answersOf(person);
  const sections = questionnaire.sections.map((section) => {
    const questions = section.questions.map((question) => renderQuestion(question, labels, given));
    return [`## ${section.name}`, ...questions].join("\n");
  });
  return [`# ${questionnaire.title}`, questionnaire.intended_use, ...sections].join("\n\n");
}

/** What every question is called in tables and messages, by its id. */
export function labelsOf(questionnaire: Questionnaire): Map<string, string> {
  const questions = questionnaire.sections.flatMap((section) => section.questions);
  return new Map(questions.map((question) => [question.id, question.label]));
}

/** Whether to ask a question: skip it only when one that it depends on was answered otherwise. */
export function isAsked(question: Question, given: Map<string, unknown>): boolean {
  return Object.entries(question.asked_only_if).every(([id, needed]) => {
    const answer = given.get(id) ?? null;
    return answer === null || answer === needed;
  });
}

function answersOf(person: AssessRequest): Map<string, unknown> {
  return new Map(Object.entries(person.answers));
}

function renderQuestion(question: Question, labels: Map<string, string>, given: Map<string, unknown>): string {
  const lines = [`- ${question.ask} [${describeAnswer(question)}]`];
  if (question.help !== null) {
    lines.push(`  ${question.help}`);
  }
  for (const option of question.options) {
    lines.push(`  * ${option.label}`);
  }
  for (const [id, needed] of Object.entries(question.asked_only_if)) {
    const skipped = isAsked(question, given) ? "" : "; skipped here";
    lines.push(`  (only if “${labels.get(id) ?? id}” is answered ${needed ? "yes" : "no"}${skipped})`);
  }
  return lines.join("\n");
}

function describeAnswer(question: Question): string {
  switch (question.answer) {
    case "yes_no":
      return "yes or no";
    case "choice":
      return "choose one";
    case "several":
      return "choose any";
    case "number":
    case "whole_number":
      return `${question.unit_text ?? "a number"}, ${question.minimum ?? "any"} to ${question.maximum ?? "any"}`;
    default: // a kind of answer that is newer than these types
      return question.unit_text ?? "an answer";
  }
}
