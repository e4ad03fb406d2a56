// A process is killed in the middle of a fan-out; another one goes on with what is in the file.
import { fork } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ContextOf, type StepOptions, after, defineFlow, each, gather, recover, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { sqliteStore } from "@sluice/sqlite";
import { z } from "zod";

/** Where photos are developed and framed: outside of all processes, with a book of what it has done. */
class Lab {
  readonly #book: string;
  /** Called in the middle of the work on a photo; what it gives is waited for. */
  readonly #meanwhile: (task: string) => Promise<void> | undefined;

  constructor(folder: string, meanwhile: (task: string) => Promise<void> | undefined = () => undefined) {
    this.#book = join(folder, "book.txt");
    this.#meanwhile = meanwhile;
  }

  async develop(photo: string, { idempotencyKey }: Pick<StepOptions, "idempotencyKey">): Promise<string> {
    this.#note(`develop ${photo}, key ${idempotencyKey}`);
    await this.#meanwhile(`develop ${photo}`);
    return `${photo}.jpg`;
  }

  async frame(picture: string): Promise<string> {
    this.#note(`frame ${picture}`);
    await this.#meanwhile(`frame ${picture}`);
    return `[${picture}]`;
  }

  #note(line: string): void {
    appendFileSync(this.#book, `${line}\n`);
    console.log(`  ${line}`);
  }
}

const spec = defineFlow({ name: "album", input: z.array(z.string()), result: z.array(z.string()) });
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Album {
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  @on(start)
  list(photos: string[], _ctx: Ctx) {
    return photos;
  }

  @chunk({ concurrency: 2 })
  @on(each(after("list")))
  async make(photo: string, ctx: Ctx) {
    const picture = await ctx.step("develop", (step) => this.#lab.develop(photo, step));
    return this.#lab.frame(picture);
  }

  @on(gather("make"))
  bind(pictures: string[], ctx: Ctx) {
    ctx.setResult(pictures);
  }
}

const photos = ["dog", "cat", "sea", "moon", "sky", "sun"];
const [folder = mkdtempSync(join(tmpdir(), "sluice-")), isChild] = process.argv.slice(2);
const store = sqliteStore(join(folder, "album.db"));

if (isChild) {
  // the sea is developed and not framed yet, the moon is being developed: then this process is killed
  const lab = new Lab(folder, (task) => {
    if (task !== "frame sea.jpg" && task !== "develop moon") return undefined;
    process.send?.(task);
    return new Promise(() => {});
  });
  run(Album, photos, { store, id: "album-1", create: () => new Album(lab) });
} else {
  console.log("A process makes pictures of six photos, two at a time");
  await killed();

  const [left] = store.list({ status: ["running"] });
  console.log(`It was killed. In the file: ${left?.executionId}, ${left?.status}, ${left?.lastSeq} entries`);

  console.log("This process goes on with it");
  const lab = new Lab(folder);
  const { executions } = await recover([{ flow: Album, create: () => new Album(lab) }], { store });
  for (const execution of executions) console.log(await execution.result);

  console.log("Begun how often, in both processes together");
  const book = readFileSync(join(folder, "book.txt"), "utf8");
  const times = (task: string): number => book.split(task).length - 1;
  for (const photo of photos)
    console.log(`  ${photo}: developed ${times(`develop ${photo},`)}, framed ${times(`frame ${photo}.`)}`);
  store.close();
  rmSync(folder, { recursive: true });
}

/** Runs this file in a process of its own, and kills it as soon as two pictures are half done. */
function killed(): Promise<void> {
  const child = fork(import.meta.filename, [folder, "child"]);
  let tasks = 0;
  child.on("message", () => {
    tasks += 1;
    if (tasks === 2) child.kill("SIGKILL");
  });
  return new Promise((resolve) => child.on("exit", () => resolve()));
}
