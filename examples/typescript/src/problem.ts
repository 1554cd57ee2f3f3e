import type { Problem } from "./service.js";

/** A refusal as text, with every field that needs another look by its name. */
export function renderProblem(problem: Problem, labels: Map<string, string>): string {
  const faults = (problem.errors ?? []).map(({ pointer, detail }) => `- ${nameField(pointer, labels)}: ${detail}`);
  return [problem.detail, ...faults].join("\n");
}

/** The label of the question that a JSON pointer such as /answers/runs leads to. */
function nameField(pointer: string, labels: Map<string, string>): string {
  const [, part, question] = pointer.split("/");
  return labels.get(question ?? "") ?? question ?? part ?? pointer;
}
