import type { FieldListener } from "../graph/routes.ts";
import { arrivalOf } from "../machine/arrival.ts";
import { type Activation, passing } from "../machine/command.ts";
import type { Attempt } from "./attempt.ts";
import type { FieldPlace } from "./host.ts";

/** The chunks that listen to pieces and beginnings: they never reach the machine, and are waited for at the end only. */
export class LiveChunks {
  #started = 0;
  #running = 0;

  /** Whether one of them still runs. */
  get areRunning(): boolean {
    return this.#running > 0;
  }

  /** What is to be started for a piece or a beginning in a reply of an attempt. */
  begin(attempt: Attempt, listeners: readonly FieldListener[], payload: unknown, at: FieldPlace): Activation[] {
    const { id, arrival } = attempt.activation;
    return listeners.map(({ chunk, trigger, label }) => {
      this.#started += 1;
      this.#running += 1;
      const place = { ...arrivalOf(payload, arrival.lane, id), path: at.path, indexes: at.indexes };
      return passing({ id: `l${this.#started}`, chunk, trigger, event: label, arrival: place });
    });
  }

  /** One of them is over. */
  end(): void {
    this.#running -= 1;
  }
}
