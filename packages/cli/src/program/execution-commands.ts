import { dirname } from "node:path";
import type { Command } from "commander";
import { workOn } from "../loader/loader.ts";
import { type End, collected, described, placed, serverOption, storeOption } from "./described.ts";

const group = "Executions, in a store or on a server:";

/** The commands that are about executions. What they need is imported when they are called. */
export function addExecutionCommands(root: Command, end: End, debug: boolean): void {
  described(root, {
    name: "list",
    group,
    summary: "list executions",
    examples: [
      ["sluice list --store executions.db --status running,waiting"],
      ["sluice list --server http://127.0.0.1:3000 --json | jq '.executions[].executionId'"],
    ],
  })
    .addOption(storeOption())
    .addOption(serverOption())
    .option("-f, --flow <name>", "only those of this flow")
    .option("--status <names>", "only these: running, waiting, completed, failed, timeout, cancelled")
    .option("--limit <count>", "at most so many (default: 100)")
    .option("--json", "print one JSON document")
    .action(async (options: object, command: Command) => {
      const { listCommand } = await import("../commands/list.ts");
      return end(await listCommand(placed(options, command)));
    });

  described(root, {
    name: "show",
    group,
    summary: "show one execution: its state, what it asks, what is under way, its result",
    examples: [["sluice show ID --store executions.db"], ["sluice show ID --store executions.db --json | jq .state"]],
  })
    .argument("<id>", "the execution")
    .addOption(storeOption())
    .addOption(serverOption())
    .option("--json", "print one JSON document")
    .action(async (id: string, options: object, command: Command) => {
      const { showCommand } = await import("../commands/show.ts");
      return end(await showCommand(id, placed(options, command)));
    });

  described(root, {
    name: "tail",
    group,
    summary: "print the log of an execution, and what comes, until it ends",
    examples: [
      ["sluice tail ID --server http://127.0.0.1:3000", "live; a lost connection is taken up again"],
      ["sluice tail ID --store executions.db --after 120 --no-follow --json"],
    ],
  })
    .argument("<id>", "the execution")
    .addOption(storeOption())
    .addOption(serverOption())
    .option("--after <seq>", "only entries behind this number")
    .option("--no-follow", "end with what is there")
    .option("--json", "print every entry as a line of JSON")
    .action(async (id: string, options: object, command: Command) => {
      const { tailCommand } = await import("../commands/tail.ts");
      return end(await tailCommand(id, placed(options, command)));
    });

  described(root, {
    name: "answer",
    group,
    summary: "answer a question that an execution waits with",
    examples: [
      [`sluice answer ID '{"approved":true}' --server http://127.0.0.1:3000`],
      [`sluice answer ID '{"approved":true}' --store executions.db`, "then: sluice run flow.ts --resume ID"],
      ["sluice answer ID answer.json --question approval@a6 --store executions.db"],
    ],
  })
    .argument("<id>", "the execution")
    .argument("<answer>", "JSON, the path of a file, or - for standard input")
    .option("-q, --question <id>", "which question, where it asks several: its id or its name")
    .addOption(storeOption())
    .addOption(serverOption())
    .option("--json", "print one JSON document")
    .action(async (id: string, answer: string, options: object, command: Command) => {
      const { answerCommand } = await import("../commands/answer.ts");
      return end(await answerCommand(id, answer, placed(options, command)));
    });

  described(root, {
    name: "cancel",
    group,
    summary: "cancel an execution",
    examples: [
      ["sluice cancel ID --server http://127.0.0.1:3000 --reason 'wrong customer'"],
      ["sluice cancel ID flow.ts --store executions.db --rollback", "what can be undone is undone"],
    ],
  })
    .argument("<id>", "the execution")
    .argument("[file]", "the file of its flow: needed in a store")
    .addOption(storeOption())
    .addOption(serverOption())
    .option("-f, --flow <name>", "which flow, where the file exports several")
    .option("-r, --reason <text>", "why")
    .option("--rollback", "undo first what has completed and can be undone")
    .option("--json", "print one JSON document")
    .action(async (id: string, file: string | undefined, options: object, command: Command) => {
      workOn(dirname(file ?? "."));
      const { cancelCommand } = await import("../commands/cancel.ts");
      return end(await cancelCommand(id, file, placed(options, command)));
    });

  described(root, {
    name: "replay",
    group,
    summary: "play an execution again as it happened, or show one moment of it; nothing is run",
    examples: [
      ["sluice replay ID --store executions.db --speed 10"],
      ["sluice replay ID --store executions.db --at 42", "state and standpoint at entry 42"],
    ],
  })
    .argument("<id>", "the execution")
    .addOption(storeOption())
    .addOption(serverOption())
    .option("--at <seq>", "only the moment after this entry")
    .option("--speed <factor>", "so many times as fast, or max (default: 1); no pause is longer than 3 seconds")
    .option("--json", "print every entry as a line of JSON; with --at one document")
    .action(async (id: string, options: object, command: Command) => {
      const { replayCommand } = await import("../commands/replay.ts");
      return end(await replayCommand(id, placed(options, command)));
    });

  described(root, {
    name: "fork",
    group,
    summary: "start a new execution from a past moment of a stored one",
    examples: [
      ["sluice fork ID flow.ts --store executions.db", "mended code: from before the chunk that failed"],
      [`sluice fork ID flow.ts --at 42 --state '{"discount":20}' --store executions.db`],
      ["sluice fork ID flow.ts --at 1 --input other.json --store executions.db"],
    ],
  })
    .argument("<id>", "the execution, which stays as it is")
    .argument("<file>", "the file of its flow")
    .addOption(storeOption())
    .option(
      "--at <seq>",
      "the entry after which it goes its own way; 1 is the start (default: before what failed, or before the end)",
    )
    .option("--state <value>", "keys of the state that are otherwise: JSON, a file, or -")
    .option("-i, --input <value>", "another input, from the start only")
    .option("-f, --flow <name>", "which flow, where the file exports several")
    .option("--id <id>", "the id of the new execution")
    .option("--accept-changes", "though the flow has been wired differently since")
    .option("-a, --answer <name=value>", "answer a question beforehand; may be given again", collected)
    .option("--json", "print one JSON document")
    .option("--entries", "print the log: every entry as a line of JSON")
    .action(async (id: string, file: string, options: object) => {
      workOn(dirname(file));
      const { forkCommand } = await import("../commands/fork.ts");
      return end(await forkCommand(id, file, { ...options, debug }));
    });
}
