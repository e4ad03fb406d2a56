import type { EntryOf } from "@sluice/core";

/** An attempt, told apart from all others of an execution and its children: `a2.1`, `audit#1/a4.2`. */
export function attemptId({
  path,
  activationId,
  attempt,
}: Pick<EntryOf<unknown, "chunk:start">, "path" | "activationId" | "attempt">): string {
  return `${[...path.slice(1), activationId].join("/")}.${attempt}`;
}
