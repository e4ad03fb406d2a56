// Run twice: with legacy decorators (this folder's tsconfig) and with standard ones (the vitest project "standard").
import "reflect-metadata";
import {
  type Change,
  type ContextOf,
  type Entry,
  type Payload,
  type Undo,
  after,
  all,
  any,
  changed,
  compile,
  defineFlow,
  each,
  event,
  gather,
  instant,
  latest,
  quorum,
  race,
  run,
  rx,
  start,
} from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { type Observable, toArray } from "rxjs";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const Ping = event("ping", z.object({ n: z.number() }));
const Reply = instant("reply", z.object({ verdict: z.enum(["yes", "no"]), text: z.string() }));
const spec = defineFlow({ name: "shop", input: z.object({ id: z.string() }), stream: z.string(), result: z.string() });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Base {
  constructor(readonly log: string[] = []) {}

  @chunk({ emits: [Ping], description: "begins" })
  @on(start)
  begin(input: { id: string }, ctx: Ctx) {
    ctx.emit(Ping, { n: input.id.length });
    return input.id;
  }

  @on(Ping)
  @on(after("begin"))
  both(payload: Payload<typeof Ping> | string, ctx: Ctx) {
    this.log.push(`${this.constructor.name} ${ctx.signal.event} ${JSON.stringify(payload)}`);
  }

  @on(after("begin"), { when: (id: string) => id !== "skip" })
  finish(id: string): string {
    return `base ${id}`;
  }
}

@flow(spec)
class Derived extends Base {
  @on(after("begin"))
  override finish(id: string) {
    return `derived ${id}`;
  }

  @on(Reply.field("verdict"))
  extra(_verdict: "yes" | "no", _ctx: Ctx) {}
}

describe("decorators", () => {
  test("a flow is a class: chunks run on an instance of its own for each execution", async () => {
    const logs: string[][] = [];
    const create = (): Base => {
      logs.push([]);
      return new Base(logs.at(-1));
    };
    const [one, two] = [run(Base, { id: "a" }, { create }), run(Base, { id: "bc" }, { create })];
    expect([await one.result, await two.result]).toEqual(["base a", "base bc"]);
    expect(logs).toEqual([
      ['Base ping {"n":1}', 'Base after("begin") "a"'],
      ['Base ping {"n":2}', 'Base after("begin") "bc"'],
    ]);
  });

  test("several @on on one method mean any of them, in the order as written", () => {
    const both = compile(Base).chunks.find(({ name }) => name === "both");
    expect(both?.triggers.map(({ label }) => label)).toEqual(["ping", 'after("begin")']);
  });

  test("a subclass inherits chunks and may override them, and its base stays as it was", async () => {
    expect(compile(Base).chunks.map(({ name }) => name)).toEqual(["begin", "both", "finish"]);
    expect(compile(Derived).chunks.map(({ name }) => name)).toEqual(["begin", "both", "finish", "extra"]);
    expect(await run(Derived, { id: "skip" }).result).toBe("derived skip");
    const skipped = run(Base, { id: "skip" });
    await expect(skipped.result).rejects.toMatchObject({ code: "result-invalid" });
  });

  test("the graph is the same each time, plain JSON, with a hash of the routing", () => {
    const graph = compile(Derived);
    expect(compile(Derived)).toBe(graph);
    expect(JSON.parse(JSON.stringify(graph))).toEqual(graph);
    expect(graph.hash).toMatch(/^[0-9a-f]{16}$/);
    expect(compile(Base).hash).not.toBe(graph.hash);
  });

  test("a class without @flow is refused by run and compile", () => {
    class Plain {
      @on(start)
      begin(_input: { id: string }, _ctx: Ctx) {}
    }
    expect(() => compile(Plain)).toThrowError(
      expect.objectContaining({ code: "flow-undefined", message: expect.stringContaining("Plain") as string }),
    );
    expect(() => run(Plain, { id: "x" })).toThrowError(expect.objectContaining({ code: "flow-undefined" }));
  });

  test("a decorator on what is no method is refused when the class is defined", () => {
    const define = (): unknown => {
      class Wrong {
        // @ts-ignore the standard dialect refuses it in types, the legacy one cannot see it
        @on(Ping) handle = (_payload: Payload<typeof Ping>): void => {};
      }
      return Wrong;
    };
    expect(define).toThrowError(
      expect.objectContaining({ code: "misplaced-decorator", message: expect.stringContaining("handle") as string }),
    );
  });

  test("@chunk without @on is a definition error that names the method", () => {
    @flow(spec)
    class Idle {
      @on(start)
      begin(_input: { id: string }, _ctx: Ctx) {}

      @chunk()
      never(_input: unknown) {}
    }
    expect(() => compile(Idle)).toThrowError(/shop\.never: nothing triggers this chunk\. Give it an @on/);
  });

  test("a trigger made of others works on a method", async () => {
    const seen: string[] = [];
    @flow(spec)
    class Both {
      @on(start)
      begin(input: { id: string }, ctx: Ctx) {
        ctx.emit(Ping, { n: 1 });
        return input.id;
      }

      @on(any(Ping, after("begin")))
      hear(payload: { n: number } | string) {
        seen.push(JSON.stringify(payload));
        return "heard";
      }
    }
    expect(await run(Both, { id: "z" }).result).toBe("heard");
    expect(seen).toEqual(['{"n":1}', '"z"']);
  });

  test("flow(spec) is the core's builder, too", async () => {
    expect(
      await run(
        flow(spec).chunk("a", start, ({ id }) => id),
        { id: "built" },
      ).result,
    ).toBe("built");
  });
});

const list = defineFlow({
  name: "list",
  input: z.array(z.number()),
  state: z.object({ sum: z.number().default(0) }),
  stream: z.string(),
  result: z.array(z.number()),
});
type ListCtx = ContextOf<typeof list>;

@flow(list)
class Doubles {
  @on(each(start))
  double(n: number, ctx: ListCtx) {
    ctx.state.update((draft) => void (draft.sum += n));
    return n * 2;
  }

  @on(gather("double"))
  all(doubles: number[]) {
    return doubles;
  }
}

@flow(list)
class Pledges {
  readonly undone: string[] = [];

  @chunk({ compensate: "undo" })
  @on(each(start))
  pledge(n: number, _ctx: ListCtx) {
    return `pledge ${n}`;
  }

  undo({ input, output }: Undo<number, string>) {
    this.undone.push(`${output} of ${input}`);
  }

  @on(gather("pledge"))
  sum(): number[] {
    throw new Error("no");
  }
}

@flow(list)
class Shouting extends Pledges {
  override undo({ output }: Undo<number, string>) {
    this.undone.push(output.toUpperCase());
  }
}

describe("decorators: fan-outs, joins, compensation, children", () => {
  const itemsOf = async (execution: ReturnType<typeof run<typeof Doubles>>): Promise<string[]> => {
    const items: string[] = [];
    execution.stream$.subscribe((item) => items.push(item));
    await execution.result;
    return items;
  };

  test("each and gather work on methods", async () => {
    expect(await run(Doubles, [1, 2, 3]).result).toEqual([2, 4, 6]);
  });

  test("joins work on methods, with the tuple, the union or the quorum", async () => {
    @flow(list)
    class Joins extends Doubles {
      @on(all(start, after("all"))) both([input, doubles]: [number[], number[]], ctx: ListCtx) {
        ctx.putIntoStream(`all ${input.join()} ${doubles.join()}`);
        return doubles;
      }
      @on(latest(start, after("all"))) newest([input, doubles]: [number[], number[]], ctx: ListCtx) {
        ctx.putIntoStream(`latest ${input.join()} ${doubles.join()}`);
      }
      @on(race(after("all"), start)) first(one: number[], ctx: ListCtx) {
        ctx.putIntoStream(`race ${one.join()}`);
      }
      @on(quorum(2, after("all"), start)) two(
        { fired, values }: { fired: string[]; values: number[][] },
        ctx: ListCtx,
      ) {
        ctx.putIntoStream(`quorum ${fired.join(" ")} ${values.join(" ")}`);
      }
    }
    expect(await itemsOf(run(Joins, [1]))).toEqual([
      "race 1",
      "all 1 2",
      "latest 1 2",
      'quorum start after("all") 1 2',
    ]);
  });

  test("pipelines and changes of the state work on methods", async () => {
    @flow(list)
    class Watched extends Doubles {
      @on(rx(after("double"), (n$: Observable<number>) => n$.pipe(toArray())))
      piped(doubles: number[], ctx: ListCtx) {
        ctx.putIntoStream(`rx ${doubles.join()}`);
      }
      @on(changed("sum")) summed({ from, to }: Change<number>, ctx: ListCtx) {
        ctx.putIntoStream(`sum ${from} ${to}`);
      }
    }
    expect(await itemsOf(run(Watched, [1, 5]))).toEqual(["sum 0 1", "sum 1 6", "rx 2,10"]);
  });

  test.each([
    ["which runs on the instance of its execution", Pledges, ["pledge 2 of 2", "pledge 1 of 1"]],
    ["which a subclass may override", Shouting, ["PLEDGE 2", "PLEDGE 1"]],
  ])("compensate names a method, %s", async (_where, Flow, undone) => {
    const made: Pledges[] = [];
    const create = (): Pledges => {
      made.push(new Flow());
      return made[made.length - 1] as Pledges;
    };
    await expect(run(Flow, [1, 2], { create }).result).rejects.toMatchObject({ code: "chunk-failed" });
    expect(made.map((one) => one.undone)).toEqual([undone]);
  });

  test("a class runs itself as a child", async () => {
    @flow(list)
    class Countdown {
      @on(start)
      async down(path: number[], ctx: ListCtx) {
        const last = path[path.length - 1] ?? 0;
        return last === 0 ? path : ctx.child(Countdown, [...path, last - 1]);
      }
    }
    const execution = run(Countdown, [2]);
    const paths: string[] = [];
    execution.events$.subscribe((entry: Entry) => entry.type === "flow:completed" && paths.push(entry.path.join(" ")));
    expect(await execution.result).toEqual([2, 1, 0]);
    expect(paths).toEqual(["list list#1 list#1", "list list#1", "list"]);
  });

  test("a compensate that names no method is a definition error", () => {
    @flow(list)
    class Gone {
      @chunk({ compensate: "undo" as "begin" })
      @on(start)
      begin(_input: unknown, _ctx: ListCtx) {}
    }
    expect(() => compile(Gone)).toThrowError(/list\.begin: .*"undo"/);
  });
});
