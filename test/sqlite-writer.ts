// A process of its own that writes to a store: `path`, its name, and how many entries. Each acknowledged one is a line of its output.
import { type SyncStore, sqliteStore } from "@sluice/sqlite";

const [path = "", name = "", count = ""] = process.argv.slice(2);
const store = sqliteStore(path, { busyTimeoutMs: 30_000 });
const founding = { flow: "writer", graphHash: "hash", graph: "{}" };
const entry = (seq: number) => `{"seq":${seq},"by":"${name}"}`;

store.append([{ executionId: "shared", epoch: 1, first: 1, entries: [entry(1)], status: "running", at: 1, founding }]);
for (let seq = 1; seq <= Number(count); seq += 1) {
  const own = { executionId: name, epoch: 1, first: seq, entries: [entry(seq)], status: "running", at: seq } as const;
  const refused = store.append([{ ...own, ...(seq === 1 && { founding }) }]);
  if (refused.length > 0) throw new Error(`refused: ${JSON.stringify(refused)}`);
  process.stdout.write(`${seq}\n`);
  addTo(store);
}
store.close();

/** Takes the shared execution over until an entry of this process is stored. */
function addTo({ claim, append }: SyncStore): void {
  for (;;) {
    const claimed = claim("shared");
    if (claimed === undefined) throw new Error("the shared execution is not stored");
    const { epoch, lastSeq } = claimed;
    const next = { executionId: "shared", epoch, first: lastSeq + 1, entries: [entry(lastSeq + 1)] };
    if (append([{ ...next, status: "running", at: lastSeq + 1 }]).length === 0) return;
  }
}
