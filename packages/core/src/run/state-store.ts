import { create } from "mutative";
import type { $ZodType } from "zod/v4/core";
import { SluiceError } from "../error/sluice-error.ts";
import { validate } from "../schema/validate.ts";
import type { JsonPatch, StateDiff } from "../machine/entry.ts";
import { plainCopy } from "./plain-data.ts";

type Data = Readonly<Record<string, unknown>>;

/** A change of the state, ready to be appended. */
export interface StateChange {
  readonly diff: StateDiff;
  readonly patches: readonly JsonPatch[];
}

/**
 * What an update of the state changes; undefined when it changes nothing. `current` stays as it is.
 *
 * @throws SluiceError `schema-missing`, `state-invalid` or `not-serialisable`; then nothing is changed.
 */
export function changeState(
  current: Data,
  schema: $ZodType | undefined,
  change: (draft: Record<string, unknown>) => void,
  where: string,
): StateChange | undefined {
  if (schema === undefined) {
    throw new SluiceError("schema-missing", {
      what: "The flow has no state",
      where,
      mend: "Give its spec a `state` schema",
      retryable: false,
    });
  }
  const [next, operations] = create(current as Record<string, unknown>, (draft) => applyTo(draft, change, where), {
    enablePatches: { pathAsArray: false, arrayLengthAssignment: false },
    enableAutoFreeze: true,
  });
  if (next === current || operations.length === 0) return undefined;
  const diff = diffOf(current, next);
  if (diff === undefined) return undefined;
  for (const [key, value] of Object.entries(diff.values)) plainCopy({ [key]: value }, where);
  validate(schema, next, {
    code: "state-invalid",
    what: "The state",
    where,
    mend: "Nothing was changed. Put in what the schema says, or widen it",
  });
  return { diff, patches: operations };
}

/** What the change returns is ignored: mutative would take it for the next state. */
function applyTo(
  draft: Record<string, unknown>,
  change: (draft: Record<string, unknown>) => unknown,
  where: string,
): void {
  const returned = change(draft);
  if (typeof (returned as { then?: unknown } | null | undefined)?.then !== "function") return;
  throw new SluiceError("state-invalid", {
    what: "The state was updated with an asynchronous function",
    where,
    mend: "Nothing was changed. Wait first, then update in one synchronous step",
    retryable: false,
  });
}

function diffOf(before: Data, after: Data): StateDiff | undefined {
  const keys = Object.keys(after).filter((key) => after[key] !== undefined);
  const has = (data: Data, key: string): boolean => Object.hasOwn(data, key) && data[key] !== undefined;
  const added = keys.filter((key) => !has(before, key));
  const changed = keys.filter((key) => has(before, key) && before[key] !== after[key]);
  const removed = Object.keys(before).filter((key) => has(before, key) && !has(after, key));
  if (added.length + changed.length + removed.length === 0) return undefined;
  return {
    added,
    changed,
    removed,
    values: Object.fromEntries([...added, ...changed].map((key) => [key, after[key]])),
  };
}

/** The state that an execution starts with: the schema's defaults. */
export function initialState(schema: $ZodType | undefined, where: string): Data {
  if (schema === undefined) return {};
  const state = validate(
    schema,
    {},
    { code: "state-invalid", what: "The state {}", where, mend: "Give its keys defaults" },
  );
  return plainCopy(state as Data, where);
}
