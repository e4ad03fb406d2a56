import type { QuestionMoment } from "../define/trigger-plan.ts";
import { matchesPath } from "../schema/field-path.ts";
import {
  type Graph,
  type GraphExpression,
  type GraphSource,
  type GraphTrigger,
  fanOf,
  isOperator,
  sourcesOf,
} from "./graph.ts";
import { fansOf, lanePaths, wildcardsOf } from "./lane-paths.ts";

/** A chunk that listens to a source. */
export interface Listener {
  /** Position of the chunk in the graph. */
  readonly chunk: number;
  readonly trigger: number;
  /** How the source is written. */
  readonly label: string;
  /** What the signal goes through before it starts the chunk. */
  readonly up: Up | undefined;
  /** The chunk starts at most once a lane. */
  readonly once: boolean;
}

/** The way from a source, or from an operator, to the operator above it. */
export interface Up {
  readonly step: Step;
  /** Which of the operator's parts comes this way. */
  readonly slot: number;
}

/** An operator on the way of signals: a join, a race, a fan-out, a pipeline. */
export interface Step {
  /** Unique in the graph: `draft.0.1`. */
  readonly id: string;
  readonly op: "race" | "all" | "latest" | "quorum" | "each" | "rx";
  readonly label: string;
  /** Of a fan-out: its name. */
  readonly fan: string;
  /** The flow and chunk, for errors. */
  readonly where: string;
  /** How many parts it has, and how many of them a quorum needs. */
  readonly size: number;
  readonly n: number;
  readonly up: Up | undefined;
  readonly by: string | undefined;
  readonly timeoutMs: number | undefined;
  /** All its parts are of one reply: it fills for each reply by itself. */
  readonly ofReply: boolean;
  /** The chunk and trigger that it belongs to. */
  readonly chunk: number;
  readonly trigger: number;
  readonly once: boolean;
}

/** The operators of a graph, by id. */
export type Steps = ReadonlyMap<string, Step>;

/** A listener of a field, with the lanes that its wildcards open. */
export interface FieldListener extends Listener {
  readonly lanes: FieldLanes;
}

/** The fan-outs in a pattern of a reply. */
export interface FieldLanes {
  /** For each array position on the way: whether a `[*]` stands there, and so a lane is opened. */
  readonly fansOut: readonly boolean[];
  /** The fan-outs' names, outermost first. */
  readonly fans: readonly string[];
}

/** An array whose end ends a fan-out. */
export interface Closer {
  /** The fan-outs on the way to the array. */
  readonly above: FieldLanes;
  /** The fan-out over it. */
  readonly fan: string;
  /** It ends also where the array does not fit its schema: somebody listens to what is invalid in it. */
  readonly evenInvalid: boolean;
}

/** Who hears what has been gathered of a chunk. */
export interface Gathering {
  /** Position of the chunk in the graph. */
  readonly of: number;
  readonly listeners: readonly Listener[];
}

type LiveMoment = "delta" | "opened";
interface Pattern<T> {
  readonly value: T;
  readonly matches: (path: string) => boolean;
}
type Patterns<T> = Map<string, Pattern<T>[]>;

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
  readonly start: Listener[] = [];
  /** The operators of the graph, by id. */
  readonly steps: Steps;
  /** Whether something limits how many chunks run at a time. */
  readonly isLimited: boolean;
  /** Whether a chunk may have more than one attempt. */
  readonly isRetried: boolean;
  /** The operators that are pipelines of the user. */
  readonly pipelines: readonly Step[];
  readonly #events = new Map<string, Listener[]>();
  readonly #after = new Map<string, Listener[]>();
  readonly #gathers = new Map<string, Listener[]>();
  readonly #changed = new Map<string, Listener[]>();
  readonly #failed = new Map<string, Listener[]>();
  readonly #done = new Map<string, Listener[]>();
  /** By moment and question: `answered approval`. */
  readonly #questions = new Map<string, Listener[]>();
  readonly #lanes = new Set<string>();
  readonly #gathered = new Map<string, Gathering[]>();
  readonly #fields: Patterns<FieldListener> = new Map();
  readonly #closers: Patterns<Closer> = new Map();

  constructor(graph: Graph) {
    const steps = new Map<string, Step>();
    graph.chunks.forEach((chunk, index) => {
      chunk.triggers.forEach((trigger, position) => {
        let count = 0;
        const place = { chunk: index, trigger: position, once: trigger.once === true };
        const build = (expression: GraphExpression, up: Up | undefined): void => {
          if (!isOperator(expression)) return this.#add(expression, { ...place, label: expression.label, up });
          const { on } = expression;
          if (on === "any") return expression.of.forEach((part) => build(part, up));
          count += 1;
          const id = `${chunk.name}.${position}.${count}`;
          const n = expression.n ?? expression.of.length;
          const policy = { by: trigger.by, timeoutMs: expression === trigger.expression ? trigger.timeout : undefined };
          const where = `${graph.flow}.${chunk.name}`;
          const step = {
            id,
            where,
            op: on,
            label: expression.label,
            fan: on === "each" ? fanOf(expression, chunk.name) : "",
            size: expression.of.length,
            n,
            up,
            ...policy,
            ...place,
          };
          const made: Step = { ...step, ofReply: isOfOneReply(expression) };
          steps.set(id, made);
          expression.of.forEach((part, slot) => build(part, { step: made, slot }));
        };
        build(trigger.expression, undefined);
      });
    });
    this.steps = steps;
    this.isLimited =
      graph.concurrency !== undefined || graph.chunks.some(({ concurrency }) => concurrency !== undefined);
    this.isRetried = graph.chunks.some(({ retry }) => retry !== undefined && retry.attempts > 1);
    this.pipelines = [...steps.values()].filter(({ op }) => op === "rx");
    this.#addGathers(graph);
  }

  event(name: string): readonly Listener[] {
    return this.#events.get(name) ?? nobody;
  }

  /** Whether each signal of an event opens a lane. */
  opensLane(event: string): boolean {
    return this.#lanes.has(event);
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

  /** Who goes on when a question is answered, or when its time is over. */
  question(moment: QuestionMoment, interrupt: string): readonly Listener[] {
    return this.#questions.get(`${moment} ${interrupt}`) ?? nobody;
  }

  /** What is gathered when a fan-out is done. */
  gathered(fan: string): readonly Gathering[] {
    return this.#gathered.get(fan) ?? nobody;
  }

  /** Who listens to the completion of the value at a concrete path. */
  field(reply: string, path: string): readonly FieldListener[] {
    return matching(this.#fields, `field ${reply}`, path);
  }

  /** Who listens to a value at a concrete path that does not fit its schema. */
  invalid(reply: string, path: string): readonly FieldListener[] {
    return matching(this.#fields, `invalid ${reply}`, path);
  }

  /** The fan-outs that end with the array at a concrete path, as far as somebody waits for their ends. */
  closers(reply: string, path: string): readonly Closer[] {
    return matching(this.#closers, reply, path);
  }

  /** Who listens to pieces or beginnings at a concrete path. */
  live(moment: LiveMoment, reply: string, path: string): readonly FieldListener[] {
    return matching(this.#fields, `${moment} ${reply}`, path);
  }

  #add(source: GraphSource, listener: Listener): void {
    switch (source.on) {
      case "start":
        return void this.start.push(listener);
      case "event":
        if (source.lane === true) this.#lanes.add(source.event);
        return into(this.#events, source.event, listener);
      case "after":
        return into(this.#after, source.chunk, listener);
      case "gather":
        return into(this.#gathers, source.chunk, listener);
      case "changed":
        return into(this.#changed, source.key, listener);
      case "failed":
        return into(this.#failed, source.chunk ?? "", listener);
      case "answered":
      case "expired":
        return into(this.#questions, `${source.on} ${source.interrupt}`, listener);
      case "done":
        return into(this.#done, source.reply, listener);
      case "field":
      case "invalid":
      case "delta":
      case "opened": {
        const { on, reply, path } = source;
        const lanes = { fansOut: wildcardsOf(path), fans: fansOf(reply, path) };
        return into(this.#fields, `${on} ${reply}`, { value: { ...listener, lanes }, matches: matchesPath(path) });
      }
      default:
        return source satisfies never;
    }
  }

  #addGathers({ chunks }: Graph): void {
    const awaited = new Set<string>();
    chunks.forEach(({ name, fan }, of) => {
      if (fan === undefined) return;
      awaited.add(fan);
      into(this.#gathered, fan, { of, listeners: this.#gathers.get(name) ?? nobody });
    });
    const closed = new Set<string>();
    const sources = chunks.flatMap(({ triggers }) => triggers.flatMap(fieldsOf));
    const answered = new Set(sources.flatMap(({ on, reply, path }) => (on === "invalid" ? fansOf(reply, path) : [])));
    for (const source of sources) {
      let isAwaited = false; // a lane is done when the fan-outs below it are: they end with their arrays, too
      lanePaths(source.path, wildcardsOf(source.path)).forEach((path, depth) => {
        const fan = fansOf(source.reply, source.path)[depth] ?? "";
        isAwaited ||= awaited.has(fan);
        if (!isAwaited || closed.has(fan)) return;
        closed.add(fan);
        const array = path.slice(0, -"[*]".length);
        const above = { fansOut: wildcardsOf(array), fans: fansOf(source.reply, array) };
        into(this.#closers, source.reply, {
          value: { above, fan, evenInvalid: answered.has(fan) },
          matches: matchesPath(array),
        });
      });
    }
  }
}

type FieldSource = Extract<GraphSource, { readonly path: string }>;

function fieldsOf({ expression }: GraphTrigger): readonly FieldSource[] {
  return sourcesOf(expression).filter(
    (source): source is FieldSource => source.on === "field" || source.on === "invalid",
  );
}

function isOfOneReply(expression: GraphExpression): boolean {
  const sources = sourcesOf(expression);
  const replies = new Set(sources.map((source) => ("reply" in source ? source.reply : undefined)));
  return replies.size === 1 && !replies.has(undefined);
}

function matching<T>(patterns: Patterns<T>, key: string, path: string): readonly T[] {
  const list = patterns.get(key);
  if (list === undefined) return nobody;
  let found: T[] | undefined;
  for (const { value, matches } of list) if (matches(path)) (found ??= []).push(value);
  return found ?? nobody;
}

function into<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
