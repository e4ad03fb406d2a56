import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Case, type Findings, Inquest, sumOf } from "./inquest.ts";
import type { Life } from "./life.ts";
import { bundledWorker, live } from "./process.ts";
import { Random } from "./random.ts";

/** At most so many kills a file; the life after them is not killed. */
const killsPerFile = 20;
/** When a life is killed, at the latest: a whole one has about as many moments, and takes about as long. */
const mostMoments = 1_200;
const mostMs = 250;
/** Processes that take executions over from each other, and how long after its first word the next one comes, at the latest. */
const processesPerFile = 4;
const mostMsBetween = 150;
/** Executions in a file. */
const executions = 12;

/** Of the files, in turn. */
const durabilities = ["sync", "async", "sync", "exit"] as const;

/** Where processes do their work. */
interface Place {
  readonly worker: string;
  readonly folder: string;
}

/** Runs executions in processes that are killed with SIGKILL, file after file, until there were so many kills and all has ended. */
export function killed({ kills, seed }: { readonly kills: number; readonly seed: number }): Promise<Findings> {
  return inFolder(async (place) => {
    const lanes = [0, 1].map(async (lane) => {
      const random = new Random(seed + lane);
      const found: Findings[] = [];
      for (let left = Math.ceil(kills / 2); left > 0; left -= found.at(-1)?.kills ?? 0) {
        const durability = durabilities[found.length % durabilities.length] ?? "sync";
        const one = await killedIn(
          caseIn(place, `${lane}-${found.length}`, durability && { durability }),
          place,
          random,
          left,
        );
        found.push(one);
        if (one.violations.length > 0) break;
      }
      return sumOf(found);
    });
    return sumOf(await Promise.all(lanes));
  });
}

async function killedIn(settings: Case, { worker }: Place, random: Random, most: number): Promise<Findings> {
  const inquest = new Inquest(settings);
  for (let [life, isOver] = [0, false]; !isOver && inquest.isClean; life += 1) {
    const isKilled = inquest.kills < Math.min(most, killsPerFile);
    const isAimed = isKilled && random.below(2) === 0;
    const moments = isAimed ? 1 + random.below(mostMoments) : 0;
    const killMs = isKilled && !isAimed ? random.next() * mostMs : undefined;
    const end = await live(worker, nextLife(settings, life, random, moments), { killMs });
    inquest.look([end]);
    isOver = end !== "killed";
    if (!isOver) inquest.answer(random);
  }
  return inquest.close();
}

/** Runs executions in processes for which the disk is full soon, each time a little later; then in one that has room. */
export function filled({ seed }: { readonly seed: number }): Promise<Findings> {
  return inFolder(async (place) => {
    const random = new Random(seed);
    const settings = caseIn(place, "full", { stops: ["store-failed"] });
    const inquest = new Inquest(settings);
    for (const fileKb of [250, 400, 800, 1_600, 3_200, undefined]) {
      const end = await live(place.worker, nextLife(settings, fileKb ?? 0, random), { fileKb });
      inquest.look([end]);
    }
    return inquest.close();
  });
}

/** Runs executions in processes of which each takes over what the others do, which go on; file after file. Nobody takes anything from the last one. */
export function takenOver({ files, seed }: { readonly files: number; readonly seed: number }): Promise<Findings> {
  return inFolder(async (place) => {
    const random = new Random(seed);
    const found: Findings[] = [];
    for (let file = 0; file < files; file += 1) {
      const settings = caseIn(place, `taken-${file}`, { stops: ["claim-lost", "execution-exists"] });
      found.push(await takenOverIn(settings, place, random));
    }
    return sumOf(found);
  });
}

async function takenOverIn(settings: Case, { worker }: Place, random: Random): Promise<Findings> {
  const inquest = new Inquest(settings);
  const ends: Promise<string>[] = [];
  for (let life = 0; life < processesPerFile; life += 1) {
    const { promise, resolve } = Promise.withResolvers<void>();
    // also the last may lose one: to a process that had put it away and takes it up again
    ends.push(live(worker, nextLife(settings, life, random), { onReady: resolve }));
    await promise;
    await new Promise((go) => setTimeout(go, random.next() * mostMsBetween));
  }
  inquest.look(await Promise.all(ends));
  return inquest.close();
}

/** What is left of a failed run somebody will look at. */
async function inFolder(work: (place: Place) => Promise<Findings>): Promise<Findings> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-kill-"));
  const findings = await work({ folder, worker: await bundledWorker(folder) });
  if (findings.violations.length === 0) rmSync(folder, { recursive: true });
  return findings;
}

function caseIn({ folder }: Place, name: string, own: Partial<Case>): Case {
  const path = join(folder, `${name}.db`);
  return { path, witness: `${path}.witness`, executions, durability: "sync", stops: [], ...own };
}

function nextLife(settings: Case, life: number, random: Random, moments = 0): Life {
  return { ...settings, name: String(life), seed: random.below(2 ** 31), moments };
}
