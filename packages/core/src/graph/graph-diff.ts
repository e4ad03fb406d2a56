import type { Graph, GraphTrigger } from "./graph.ts";

/**
 * How the routing of one graph became that of another, in sentences. It tells what the hash covers: nothing for equal
 * hashes, at least one sentence for different ones. Chunks that are gone, chunks that are new, what changed in those that
 * stayed, their order, the events from outside; each in the order of its graph.
 *
 * @param stored may be of another version of the flow, or of Sluice
 */
export function diffGraphs(stored: Graph, present: Graph): readonly string[] {
  if (stored.hash === present.hash) return [];
  const known = new Map(stored.chunks.map(({ name, triggers }) => [name, triggers]));
  const before = stored.chunks.map(({ name }) => name);
  const after = present.chunks.map(({ name }) => name);
  const told = [
    ...(stored.flow === present.flow ? [] : [`the flow "${stored.flow}" became "${present.flow}"`]),
    ...without(before, after).map((name) => `chunk "${name}" is gone`),
    ...without(after, before).map((name) => `chunk "${name}" is new`),
    ...present.chunks.flatMap(({ name, triggers }) =>
      triggerDifferences(known.get(name) ?? triggers, triggers).map((what) => `chunk "${name}": ${what}`),
    ),
    ...reordered(before, after).map((order) => `the order of the chunks ${order}`),
    ...without(stored.accepts, present.accepts).map((name) => `the event "${name}" is accepted no longer`),
    ...without(present.accepts, stored.accepts).map((name) => `the event "${name}" is accepted now`),
    ...reordered(stored.accepts, present.accepts).map((order) => `the order of the accepted events ${order}`),
  ];
  return told.length > 0 ? told : [anyDifference(stored, present)];
}

/** A trigger became the one that is written like it but for its options, or else the next one that is new. */
function triggerDifferences(stored: readonly GraphTrigger[], present: readonly GraphTrigger[]): readonly string[] {
  const gone = without(stored, present, written);
  const added = [...without(present, stored, written)];
  const alike = new Map(gone.map((was) => [was, take(added, ({ label }) => label === was.label)]));
  return [
    ...gone.map((was) => {
      const is = alike.get(was) ?? added.shift();
      return `its trigger ${written(was)} ${is === undefined ? "is gone" : `became ${written(is)}`}`;
    }),
    ...added.map((is) => `its trigger ${written(is)} is new`),
    ...reordered(stored.map(written), present.map(written)).map((order) => `the order of its triggers ${order}`),
  ];
}

/** A trigger with what else the hash covers. The code of a guard is not in the graph. */
function written({ label, guarded, once, by, timeout }: GraphTrigger): string {
  const options = [
    ...(guarded ? ["when"] : []),
    ...(once === true ? ["once"] : []),
    ...(by === undefined ? [] : [`by "${by}"`]),
    ...(timeout === undefined ? [] : [`timeout ${timeout}`]),
  ];
  return options.length === 0 ? label : `${label} with ${options.join(", ")}`;
}

/** What is in one list and not in the other; of equal ones, as many as are there more often. */
function without<T>(list: readonly T[], other: readonly T[], keyOf: (one: T) => unknown = (one) => one): readonly T[] {
  const left = other.map(keyOf);
  return list.filter((one) => take(left, (key) => key === keyOf(one)) === undefined);
}

function take<T>(list: T[], isIt: (one: T) => boolean): T | undefined {
  const at = list.findIndex(isIt);
  return at < 0 ? undefined : list.splice(at, 1)[0];
}

/** How what is in both lists stands elsewhere, from the first that does to the last. */
function reordered(stored: readonly string[], present: readonly string[]): readonly string[] {
  const before = without(stored, without(stored, present));
  const after = without(present, without(present, stored));
  const isMoved = (name: string, at: number): boolean => name !== after[at];
  const from = before.findIndex(isMoved);
  if (from < 0) return [];
  const to = before.findLastIndex(isMoved) + 1;
  return [`${before.slice(from, to).join(", ")} became ${after.slice(from, to).join(", ")}`];
}

/** For hashes that cover something else than this one: the first place at which the graphs are not the same. */
function anyDifference(stored: Graph, present: Graph): string {
  const place = firstPlace({ ...stored, hash: undefined }, { ...present, hash: undefined }, "");
  if (place !== undefined) return `the graph is another one at ${place}`;
  return `the hash "${stored.hash}" became "${present.hash}", and nothing else of the graph: another version made it`;
}

/** The path of the first difference of two JSON values. */
function firstPlace(one: unknown, other: unknown, path: string): string | undefined {
  if (Object.is(one, other)) return undefined;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return path;
  if (Array.isArray(one) !== Array.isArray(other)) return path;
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const below = Array.isArray(one) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    const place = firstPlace(Reflect.get(one, key), Reflect.get(other, key), below);
    if (place !== undefined) return place;
  }
  return undefined;
}
