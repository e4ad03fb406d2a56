// Items of a list start work while the model writes it. The reply breaks off and is written again: only the item that
// has changed is taken back.
import {
  type ContextOf,
  type Field,
  type ModelCall,
  type Undo,
  defineFlow,
  gather,
  instant,
  start,
} from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { type Delay, scriptedModel, virtualTime } from "@sluice/testing";
import { z } from "zod";

const Triage = instant("triage", z.object({ product: z.string(), parts: z.array(z.string()) }));
const spec = defineFlow({ name: "repairing", input: z.string(), result: z.array(z.string()) });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Repairing {
  readonly #model: ModelCall;
  readonly #delay: Delay;
  readonly #tell: (text: string) => void;

  constructor(model: ModelCall, delay: Delay, tell: (text: string) => void) {
    this.#model = model;
    this.#delay = delay;
    this.#tell = tell;
  }

  @chunk({ retry: { attempts: 2, delay: 50, jitter: false } })
  @on(start)
  async read(_ticket: string, ctx: Ctx) {
    this.#tell(`the model is asked, attempt ${ctx.attempt}`);
    await ctx.instant(Triage, this.#model);
    this.#tell("the model has finished");
  }

  @chunk({ compensate: "release" })
  @on(Triage.field("parts[*]"))
  async reserve(part: Field<typeof Triage, "parts[*]">, ctx: Ctx) {
    this.#tell(`${ctx.signal.path}: the ${part} …`);
    await this.#delay(part === "switch" ? 225 : 20);
    this.#tell(`${ctx.signal.path}: the ${part} is reserved`);
    return part;
  }

  async release({ output: part }: Undo<string, string>) {
    await this.#delay(10);
    this.#tell(`the ${part} is released`);
  }

  @on(gather("reserve"))
  order(parts: string[], ctx: Ctx) {
    this.#tell(`gathered: ${parts.join(", ")}`);
    ctx.setResult(parts);
  }
}

// A script in virtual time, so that it breaks off each time and takes no time.
await virtualTime(async ({ execute, delay, now }) => {
  const token = (text: string) => ({ afterMs: 50, text });
  const model = scriptedModel(
    [
      ['{"product":"lamp",', '"parts":["bulb",', '"cable",', '"switch",', '"sha'].map(token),
      ['{"product":"lamp",', '"parts":["bulb",', '"plug",', '"switch",', '"shade"]}'].map(token),
    ],
    { delay },
  );
  const tell = (text: string) => console.log(`${String(now()).padStart(4)} ms  ${text}`);
  const execution = execute(Repairing, "My lamp is dead", { create: () => new Repairing(model, delay, tell) });
  execution.on("chunk:failed", ({ error }) => tell(`the reply breaks off: ${error.code}`));
  const fields = new Map<string, string>();
  execution.on("field:complete", ({ seq, field }) => fields.set(`e${seq}`, field));
  execution.on("signal:retracted", ({ ids }) => tell(`retracted: ${ids.map((id) => fields.get(id)).join(", ")}`));
  console.log(await execution.result);
});
