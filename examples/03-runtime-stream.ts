// The runtime stream is for watching: any number of readers, pushed or pulled, each at its own pace.
import { setTimeout as wait } from "node:timers/promises";
import { type ContextOf, defineFlow, run, start } from "@sluice/core";
import { flow, on } from "@sluice/decorators";
import { z } from "zod";

const spec = defineFlow({
  name: "download",
  input: z.object({ files: z.array(z.string()) }),
  stream: z.object({ file: z.string(), percent: z.number() }),
  result: z.number(),
});
type Ctx = ContextOf<typeof spec>;

@flow(spec)
class Download {
  @on(start)
  async fetch(input: { files: string[] }, ctx: Ctx) {
    for (const file of input.files) {
      for (const percent of [0, 50, 100]) {
        ctx.putIntoStream({ file, percent });
        await wait(20, undefined, { signal: ctx.abortSignal });
      }
    }
    return input.files.length;
  }
}

const execution = run(Download, { files: ["a.pdf", "b.pdf"] });

execution.stream$.subscribe(({ file, percent }) => console.log(`pushed ${file} ${percent} %`));

for await (const { file, percent } of execution.stream({ timeout: 5_000 })) {
  if (percent === 100) console.log(`pulled ${file} is there`);
}
// a late reader gets what is retained; with `conflate` only the latest item per file
for await (const item of execution.stream({ conflate: "file" })) console.log("late  ", item);

console.log(`${await execution.result} files`);
