// Run twice: with legacy decorators (this folder's tsconfig) and with standard ones (the vitest project "standard").
import "reflect-metadata";
import {
  type ContextOf,
  type Payload,
  after,
  any,
  compile,
  defineFlow,
  event,
  instant,
  run,
  start,
} from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
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
