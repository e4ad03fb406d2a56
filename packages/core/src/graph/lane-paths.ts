import { parsePath } from "../schema/field-path.ts";

/** For each array position of a pattern: whether a `[*]` stands there, and so a lane is opened. */
export function wildcardsOf(pattern: string): readonly boolean[] {
  return parsePath(pattern)
    .filter(({ kind }) => kind === "index" || kind === "any-index")
    .map(({ kind }) => kind === "any-index");
}

/** The names of the fan-outs that a pattern of a reply opens, outermost first. */
export function fansOf(reply: string, pattern: string): readonly string[] {
  return lanePaths(pattern, wildcardsOf(pattern)).map((path) => `${reply}.field("${path}")`);
}

/**
 * Where the lanes that a listener's wildcards open end in a concrete path: `items[3].tags[1].name` and `items[*].tags[*].name`
 * give `items[3]` and `items[3].tags[1]`.
 */
export function lanePaths(path: string, fansOut: readonly boolean[]): readonly string[] {
  const lanes: string[] = [];
  let bracket = 0;
  for (let at = path.indexOf("["); at >= 0; at = path.indexOf("[", at)) {
    if (path[at + 1] === '"') {
      at = quotedKeyEnd(path, at + 1);
      continue;
    }
    at = path.indexOf("]", at) + 1;
    if (fansOut[bracket] === true) lanes.push(path.slice(0, at));
    bracket += 1;
  }
  return lanes;
}

function quotedKeyEnd(path: string, quote: number): number {
  let at = quote + 1;
  while (at < path.length && path[at] !== '"') at += path[at] === "\\" ? 2 : 1;
  return at + 2;
}
