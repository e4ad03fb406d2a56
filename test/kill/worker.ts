// A process that is killed: it goes on with what is stored, starts what is not there yet, answers what is asked, until all has ended.
import { type Entry, type Execution, type OpenQuestion, SluiceError, load, recover, run } from "@sluice/core";
import { type SyncStore, sqliteStore } from "@sluice/sqlite";
import { flowsOf, Nudge } from "./flows.ts";
import { type Life, type Planned, answerOf, nudgesOf, planned } from "./life.ts";
import { textOf } from "./logs.ts";
import { Random } from "./random.ts";
import { Witness, canonical, turns } from "./witness.ts";

const life = JSON.parse(process.argv[2] ?? "{}") as Life;
const random = new Random(life.seed);
let moments = 0;

function moment(): void {
  moments += 1;
  if (moments === life.moments) for (;;) process.kill(process.pid, "SIGKILL");
}

const witness = new Witness(life.witness, life.name, moment);
const fault = (error: unknown): void =>
  witness.write({ what: "fault", text: error instanceof Error ? `${error.stack}` : String(error) });
process.on("uncaughtException", fault);
process.on("unhandledRejection", fault);

const flows = flowsOf(witness);
const file = sqliteStore(life.path, { busyTimeoutMs: 30_000 });
const store: SyncStore = {
  ...file,
  append: (appends) => {
    moment();
    const refused = file.append(appends);
    moment();
    return refused;
  },
};
const settings = { store, durability: life.durability, checkpointEvery: 5, onObserverError: fault };
process.stdout.write("ready\n");

const known = new Set(file.list({ limit: 1_000 }).map(({ executionId }) => executionId));
const { executions, refused } = await recover(Object.values(flows), settings);
for (const { error } of refused) ifNotStopped(error);
const plans = planned(life.executions);
const started = plans.filter(({ id }) => !known.has(id)).map((plan) => begin(plan));
await Promise.all([...executions, ...started].map((execution) => tend(execution)));
file.close();
witness.close();

function begin({ id, flow, n, items }: Planned): Execution {
  return flow === "order"
    ? run(flows.order, { n, items: [...items] }, { ...settings, id })
    : run(flows[flow], { n }, { ...settings, id });
}

/** Sees to an execution until it has ended. */
async function tend(execution: Execution): Promise<void> {
  const { id } = execution;
  const asked = new Set(known.has(id) ? file.answers(id).map(({ interrupt }) => interrupt) : []); // they are answered already
  const answering: Promise<void>[] = [];
  const ask = (): void => {
    for (const question of execution.interrupts) {
      if (asked.has(question.id)) continue;
      asked.add(question.id);
      answering.push(answer(execution, question).catch(ifNotStopped));
    }
  };
  execution.events$.subscribe((entry: Entry) => {
    if (entry.live === 0) witness.write({ what: "seen", execution: id, seq: entry.seq, text: textOf(entry) });
    if (entry.type === "interrupt:raised") ask();
  });
  await turns(1);
  ask();
  if (execution.id.startsWith("counter")) answering.push(nudge(execution).then(() => execution.close(), ifNotStopped));
  const back = random.below(3) === 0 ? putAway(execution).catch(ifNotStopped) : undefined;
  await execution.result.then(
    (value) => witness.write({ what: "result", execution: id, value: JSON.stringify(value) ?? "" }),
    (error: unknown) => {
      const code = error instanceof SluiceError ? error.code : String(error);
      witness.write({ what: "result", execution: id, code });
      if (code !== "chunk-failed") ifNotStopped(error);
    },
  );
  await Promise.all(answering);
  const again = await back;
  if (again !== undefined) await tend(again);
}

/** Releases an execution when it waits, and loads it again; nothing where it ends before. */
async function putAway(execution: Execution): Promise<Execution | undefined> {
  if ((await execution.settled) !== "waiting") return undefined;
  await execution.release();
  const flow = flows[execution.id.startsWith("order") ? "order" : "counter"]; // no others wait
  return execution.status === "completed" ? undefined : load(flow, execution.id, settings);
}

/** What comes after the end of an execution is refused, also of one that goes on elsewhere; everything else is a fault. */
function ifNotStopped(error: unknown): void {
  const codes: readonly string[] = ["execution-ended", "execution-released", ...life.stops];
  if (!(error instanceof SluiceError && codes.includes(error.code))) fault(error);
}

async function answer(execution: Execution, { id, name }: OpenQuestion): Promise<void> {
  await turns(random.below(8));
  if (name === "approval" && !id.includes("/")) await nudge(execution);
  execution.resume(id, answerOf({ name }), { requestId: `to ${id}` });
  await execution.stored();
  witness.write({ what: "stored", execution: execution.id, event: "answer", id });
}

/** Brings in the events from outside that are not stored yet. */
async function nudge(execution: Execution): Promise<void> {
  const plan = plans.find(({ id }) => id === execution.id);
  if (plan === undefined) return;
  const log = file.read(plan.id);
  for (const n of nudgesOf(plan)) {
    if (log.some((text) => text.includes(`"event":"nudge","payload":{"n":${n}}`))) continue;
    await turns(random.below(4));
    execution.emit(Nudge, { n });
    await execution.stored();
    witness.write({ what: "stored", execution: plan.id, event: "nudge", id: canonical({ n }) });
  }
}
