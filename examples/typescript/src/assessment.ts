import type { Assessment } from "./service.js";

/** An assessment as text: what safety calls for first, then every habit with its interval. */
export function renderAssessment(assessment: Assessment): string {
  const { safety, habits } = assessment;
  const left = safety.unanswered_flags.length;
  const open = left > 0 ? [`${left} of the first questions are not answered yet.`] : [];
  return [safety.text, ...open, "", ...habits.map(renderHabit)].join("\n");
}

function renderHabit(habit: Assessment["habits"][number]): string {
  const interval = `between ${habit.low} and ${habit.high}`;
  if (habit.score === null) {
    return `${habit.name}: no score yet, ${interval}`;
  }
  const level = habit.level?.replace("_", " ") ?? "not decided";
  return `${habit.name}: ${habit.score} of 100 (${level}), ${interval}`;
}
