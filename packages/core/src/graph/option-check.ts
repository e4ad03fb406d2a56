import type { ChunkOptions } from "../define/chunk-options.ts";
import type { TriggerDefinition } from "../define/flow.ts";
import { suggest } from "../error/nearest.ts";
import type { DefinitionProblem } from "./definition-problem.ts";

const chunkOptions = ["name", "emits", "description"];
const onOptions = ["when"];
const notYet = ["retry", "timeout", "concurrency", "compensate", "by", "once"];

/** Refuses what a chunk cannot be given: misspelled options, and those that are not there yet. */
export function checkOptions(
  options: ChunkOptions,
  triggers: readonly TriggerDefinition[],
  where: string,
  report: (problem: DefinitionProblem) => void,
): void {
  checkKeys(options, chunkOptions, "@chunk", where, report);
  for (const trigger of triggers) checkKeys(trigger.options, onOptions, "@on", where, report);
}

function checkKeys(
  options: object,
  known: readonly string[],
  decorator: string,
  where: string,
  report: (problem: DefinitionProblem) => void,
): void {
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue;
    if (notYet.includes(option)) {
      report({ code: "not-yet", where, what: `the option "${option}" is not there yet`, mend: "Leave it out" });
    } else {
      report({
        code: "option-unknown",
        where,
        what: `${decorator} has no option "${option}"`,
        mend: suggest(option, known),
      });
    }
  }
}
