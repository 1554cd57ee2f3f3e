import { renderAssessment } from "./assessment.js";
import { deskWorker, slipped } from "./people.js";
import { renderProblem } from "./problem.js";
import { labelsOf, renderQuestionnaire } from "./questionnaire.js";
import { type AssessRequest, openService, type Service } from "./service.js";

const address = process.argv[2] ?? "http://127.0.0.1:8000";
const service = openService(address);

try {
  const labels = await showQuestionnaire(service);
  await assess(service, deskWorker, labels);
  await assess(service, slipped, labels);
} catch (error) {
  console.error(`Nothing useful came from ${address}:`, error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function showQuestionnaire(service: Service): Promise<Map<string, string>> {
  const { data, error } = await service.GET("/questionnaire");
  if (error !== undefined) {
    throw new Error(renderProblem(error, new Map()));
  }
  console.log(renderQuestionnaire(data, deskWorker));
  return labelsOf(data);
}

async function assess(service: Service, person: AssessRequest, labels: Map<string, string>): Promise<void> {
  const { data, error } = await service.POST("/assess", { body: person });
  console.log("\n---\n");
  console.log(error === undefined ? renderAssessment(data) : renderProblem(error, labels));
}
