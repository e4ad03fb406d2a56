// The main example: support tickets in, drafted answers out, with work that starts while the model is still writing.
//   npm start                      the tickets in examples/tickets
//   npm start -- my-ticket.txt     a file, or a folder of them
//   echo "…" | npm start           a text
//   npm start -- --json            the log, an entry a line
import { parseArgs } from "node:util";
import { run } from "@sluice/core";
import { chooseModel } from "./model.ts";
import { exitWith } from "./support/exit.ts";
import { jsonScreen, liveScreen, plainScreen } from "./support/screen.ts";
import { Shop } from "./support/shop.ts";
import { readTickets } from "./support/tickets.ts";
import { SupportTriage } from "./support/triage-flow.ts";

const options = { json: { type: "boolean" }, debug: { type: "boolean" } } as const;
let debug = process.argv.includes("--debug");
try {
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  debug = values.debug === true;
  const tickets = readTickets(positionals);
  const { model, note } = await chooseModel(process.env, { tokensPerSecond: 80 });
  const screen = values.json ? jsonScreen : process.stdout.isTTY ? liveScreen : plainScreen;
  if (!values.json) console.log(`${note}\n`);

  for (const ticket of tickets) {
    const execution = run(SupportTriage, ticket, { create: () => new SupportTriage(model, new Shop()) });
    const show = screen(execution, `${ticket.id}: ${ticket.text.trim()}`);
    const { reply, articles } = await execution.result.finally(show);
    if (!values.json) console.log(`  → ${reply}\n    ${articles.join("\n    ")}\n`);
  }
} catch (error) {
  exitWith(error, debug);
}
