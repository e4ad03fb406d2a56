import { matchesPath, parsePath } from "../schema/field-path.ts";
import type { Graph } from "./graph.ts";

/** A chunk that listens to a source. */
export interface Listener {
  /** Position of the chunk in the graph. */
  readonly chunk: number;
  readonly trigger: number;
  /** How the source is written. */
  readonly label: string;
}

/** A listener of a field, with the lanes that its wildcards open. */
export interface FieldListener extends Listener {
  /** For each array position on the way: whether a `[*]` stands there, and so a lane is opened. */
  readonly fansOut: readonly boolean[];
}

type LiveMoment = "delta" | "opened";
interface Pattern {
  readonly listener: FieldListener;
  readonly matches: (path: string) => boolean;
}

const nobody: readonly never[] = [];

const known = new WeakMap<Graph, Routes>();

/** The routes of a graph: made once, kept as long as the graph. */
export function routesOf(graph: Graph): Routes {
  let routes = known.get(graph);
  if (routes === undefined) known.set(graph, (routes = new Routes(graph)));
  return routes;
}

/** Who listens to what, in declaration order, as look-ups: what the machine and the shell ask of a graph. */
export class Routes {
  readonly start: readonly Listener[];
  readonly #events = new Map<string, Listener[]>();
  readonly #after = new Map<string, Listener[]>();
  readonly #changed = new Map<string, Listener[]>();
  readonly #failed = new Map<string, Listener[]>();
  readonly #done = new Map<string, Listener[]>();
  readonly #patterns = new Map<string, Pattern[]>();

  constructor(graph: Graph) {
    const start: Listener[] = [];
    graph.chunks.forEach((chunk, index) => {
      chunk.triggers.forEach((trigger, position) => {
        for (const source of trigger.sources) {
          const listener = { chunk: index, trigger: position, label: source.label };
          if (source.on === "start") start.push(listener);
          else if (source.on === "event") into(this.#events, source.event, listener);
          else if (source.on === "after") into(this.#after, source.chunk, listener);
          else if (source.on === "changed") into(this.#changed, source.key, listener);
          else if (source.on === "failed") into(this.#failed, source.chunk ?? "", listener);
          else if (source.on === "done") into(this.#done, source.reply, listener);
          else into(this.#patterns, `${source.on} ${source.reply}`, pattern(listener, source.path));
        }
      });
    });
    this.start = start;
  }

  event(name: string): readonly Listener[] {
    return this.#events.get(name) ?? nobody;
  }

  after(chunk: string): readonly Listener[] {
    return this.#after.get(chunk) ?? nobody;
  }

  changed(key: string): readonly Listener[] {
    return this.#changed.get(key) ?? nobody;
  }

  /** Who answers for a chunk that has failed for good: those that name it, and those that answer for any. */
  failed(chunk: string): readonly Listener[] {
    const [named, any] = [this.#failed.get(chunk), this.#failed.get("")];
    if (named === undefined || any === undefined) return named ?? any ?? nobody;
    return [...named, ...any].toSorted((a, b) => a.chunk - b.chunk || a.trigger - b.trigger);
  }

  done(reply: string): readonly Listener[] {
    return this.#done.get(reply) ?? nobody;
  }

  /** Who listens to the completion of the value at a concrete path. */
  field(reply: string, path: string): readonly FieldListener[] {
    return this.#matching(`field ${reply}`, path);
  }

  /** Who listens to pieces or beginnings at a concrete path. */
  live(moment: LiveMoment, reply: string, path: string): readonly FieldListener[] {
    return this.#matching(`${moment} ${reply}`, path);
  }

  #matching(key: string, path: string): readonly FieldListener[] {
    const patterns = this.#patterns.get(key);
    if (patterns === undefined) return nobody;
    let found: FieldListener[] | undefined;
    for (const { listener, matches } of patterns) if (matches(path)) (found ??= []).push(listener);
    return found ?? nobody;
  }
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

function pattern(listener: Listener, path: string): Pattern {
  const indexes = parsePath(path).filter(({ kind }) => kind === "index" || kind === "any-index");
  return {
    listener: { ...listener, fansOut: indexes.map(({ kind }) => kind === "any-index") },
    matches: matchesPath(path),
  };
}

function into<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
