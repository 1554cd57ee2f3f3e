import type { AssessRequest } from "./service.js";

/** A person at a desk who does not run and left the rest open. */
export const deskWorker: AssessRequest = {
  answers: {
    age_years: 42,
    sitting_hours_per_day: 9,
    sitting_hours_source: "self_report",
    usual_sitting_bout_minutes: 90,
    slouched_hours_per_day: 4,
    lumbar_support: "never",
    carry_hours_per_day: 1,
    carry_side_pattern: "always_same_side",
    runs: false,
  },
  red_flags: { saddle_numbness: false, fever_or_unwell_with_pain: false },
  plan: { minutes_per_day: 15, equipment: ["mat", "chair"] },
};

/** Somebody whose fingers slipped: these answers have the right types, but no day is so long. */
export const slipped: AssessRequest = {
  answers: { sitting_hours_per_day: 90, body_mass_kg: 7, runs: true },
  symptoms: { pain_0_10: 11 },
};
