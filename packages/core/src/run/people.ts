import type { FlowDefinition } from "../define/flow.ts";
import type { Interrupt } from "../define/interrupt.ts";
import { suggest } from "../error/nearest.ts";
import { SluiceError } from "../error/sluice-error.ts";
import type { Command } from "../machine/command.ts";
import type { Entry, EntryDraft, OpenQuestion } from "../machine/entry.ts";
import type { Machine } from "../machine/machine.ts";
import { type Question, type QuestionEnd, expiredError, isSameAnswer } from "../machine/questions.ts";
import { validate } from "../schema/validate.ts";
import { aborted } from "./abort.ts";
import { type AnswerSchemas, answersOf } from "./answer-schemas.ts";
import type { Answer, Asker } from "./asker.ts";
import type { Attempt } from "./attempt.ts";
import type { Below } from "./below.ts";
import type { Identity } from "./identity.ts";
import { plainCopy } from "./plain-data.ts";
import type { Standstill } from "./standstill.ts";

/** The execution that asks. */
interface Asking {
  readonly where: string;
  readonly identity: Identity;
  readonly machine: Machine;
  readonly now: () => number;
  readonly append: (draft: EntryDraft) => Entry | undefined;
  readonly whenSafe: (act: (failure: SluiceError | undefined) => void) => void;
  readonly standstill: Standstill;
}

/** Its attempts. */
interface Askers {
  /** The time of an attempt stands still, or goes on. */
  readonly pause: (attempt: Attempt) => void;
  readonly proceed: (attempt: Attempt) => void;
  /** What runs below them. */
  readonly below: readonly Below[];
}

interface Waiter {
  /** What the answer must fit. */
  readonly schema: Interrupt["answer"];
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: SluiceError) => void;
}

/** The questions of one execution: asks them, and takes the answers in. */
export class People implements Asker {
  readonly #asking: Asking;
  readonly #askers: Askers;
  /** What an answer to each question must fit, by name. */
  readonly #answers: AnswerSchemas;
  /** Attempts that wait for an answer, by question. */
  readonly #waiters = new Map<string, Waiter>();

  constructor(asking: Asking, askers: Askers, definition: FlowDefinition) {
    this.#asking = asking;
    this.#askers = askers;
    this.#answers = answersOf(definition);
  }

  /** Notes a question that is asked when its attempt completes. @returns its id */
  interrupt(attempt: Attempt, question: Interrupt, payload: unknown): string {
    const { name, expires } = question;
    if (attempt.undoes || !this.#answers.has(name)) throw unheard(name, attempt);
    const id = this.#idOf(attempt, name);
    const asked = { id, name, payload: this.#valid(question, payload, attempt) };
    (attempt.interrupts ??= []).push(expires === undefined ? asked : { ...asked, expires });
    return id;
  }

  /** Asks at once, and waits. */
  ask(attempt: Attempt, question: Interrupt, payload: unknown): Promise<unknown> {
    const { machine, where } = this.#asking;
    const { name, expires } = question;
    if (attempt.undoes) throw unheard(name, attempt);
    const asked = { id: this.#idOf(attempt, name), name, payload: this.#valid(question, payload, attempt) };
    const { id } = asked;
    const end = machine.questions.end(id);
    if (end?.how === "answered") return Promise.resolve(end.answer);
    if (end?.how === "expired") return Promise.reject(expiredError({ ...asked, ...question }, where));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    promise.catch(() => {}); // an answer that nobody awaits must not end the process
    const forget = attempt.adopt({
      held: { timers: 0, attempts: 0 },
      asks: true,
      get isWaiting() {
        return machine.questions.end(id) === undefined; // an answer that is being stored is one
      },
      cancel: (reason) => over(() => reject(aborted(attempt.where, reason)), false),
      onEnded() {}, // it has ended when `cancel` returns
    });
    const over = (settle: () => void, goesOn: boolean): void => {
      if (!this.#waiters.delete(id)) return;
      forget();
      if (goesOn) this.#askers.proceed(attempt);
      settle();
    };
    this.#askers.pause(attempt);
    this.#waiters.set(id, {
      schema: question.answer,
      resolve: (answer) => over(() => resolve(answer), true),
      reject: (error) => over(() => reject(error), true),
    });
    if (machine.questions.get(id) !== undefined) this.#asking.standstill.asked();
    else {
      const due = this.#due(expires);
      this.#append({ type: "interrupt:raised", ...attempt.origin(), interrupt: asked, inline: true, ...due });
    }
    return promise;
  }

  /** Does what the machine asks for: to ask a question, to end one. */
  carryOut(command: Extract<Command, { readonly type: "raise" | "lapse" }>): void {
    if (command.type === "raise") this.#raise(command.question);
    else this.#lapse(command.id);
  }

  /** Asks what a completed chunk has left to be asked. */
  #raise({ id, name, payload, origin, expires }: Question): void {
    if (this.#asking.machine.questions.get(id)?.raised !== false) return;
    const due = this.#due(expires);
    this.#append({ type: "interrupt:raised", ...origin, interrupt: { id, name, payload }, ...due });
  }

  /** The time of a question is over. */
  #lapse(id: string): void {
    const { machine, where } = this.#asking;
    const question = machine.questions.get(id);
    if (question === undefined) return;
    const waiter = this.#waiters.get(id);
    this.#append({ type: "interrupt:expired", ...question.origin, interrupt: { id, name: question.name } });
    waiter?.reject(expiredError(question, where));
  }

  /** What can be answered, here and in the children that run. */
  open(): readonly OpenQuestion[] {
    const { machine, identity } = this.#asking;
    if (!machine.isRunning) return [];
    const own = machine.questions
      .raised()
      .map(({ id, name, payload, origin }) => ({ id, name, payload, path: identity.path, chunk: origin.chunk }));
    return [...own, ...this.#askers.below.flatMap((child) => child.people?.open() ?? [])];
  }

  /**
   * Takes an answer in, here or in the child that asks.
   *
   * @throws SluiceError `interrupt-unknown`, `answer-invalid` or `interrupt-closed`; then nothing is changed
   */
  answer(given: Answer): void {
    const owner = this.ownerOf(given.id);
    if (owner === undefined) throw this.#unknown(given.id, undefined);
    owner.take(given);
  }

  /** Takes an answer in that is one to it. */
  take({ id, answer, name, requestId, schema }: Answer): void {
    const { machine, where } = this.#asking;
    const question = machine.questions.get(id);
    const end = machine.questions.end(id);
    const waiter = this.#waiters.get(id);
    if (question !== undefined && name !== undefined && name !== question.name) throw this.#unknown(id, name);
    const asked = question?.name ?? end?.name ?? "";
    const valid = this.#validAnswer(asked, answer, waiter?.schema ?? this.#answers.get(asked) ?? schema);
    if (end !== undefined) {
      if (isSameAnswer(end, valid, requestId)) return;
      throw closed(id, end, where);
    }
    if (question === undefined) throw this.#unknown(id, name);
    this.#append({
      type: "interrupt:answered",
      ...question.origin,
      interrupt: { id, name: question.name },
      answer: valid,
      ...(requestId !== undefined && { requestId }),
    });
    if (waiter === undefined) return;
    this.#asking.whenSafe((failure) => (failure === undefined ? waiter.resolve(valid) : waiter.reject(failure)));
  }

  #validAnswer(name: string, answer: unknown, schema: Interrupt["answer"] | undefined): unknown {
    const { where } = this.#asking;
    if (schema === undefined) return plainCopy(answer, where);
    const valid = validate(schema, answer, {
      code: "answer-invalid",
      what: `The answer to "${name}"`,
      where,
      mend: "Nothing has happened: give what the question's `answer` schema says",
    });
    return plainCopy(valid, where);
  }

  /** Whether a question of this execution is answered, or its time over. */
  hasEnded(id: string): boolean {
    return this.#asking.machine.questions.end(id) !== undefined;
  }

  /** Who has asked a question, here or in a child that runs. */
  ownerOf(id: string): Asker | undefined {
    const { machine } = this.#asking;
    if (machine.questions.get(id)?.raised === true || machine.questions.end(id) !== undefined) return this;
    for (const { people } of this.#askers.below) {
      const owner = people?.ownerOf(id);
      if (owner !== undefined) return owner;
    }
    return undefined;
  }

  #unknown(id: string, name: string | undefined): SluiceError {
    const open = this.open();
    const real = open.find((one) => one.id === id);
    return new SluiceError("interrupt-unknown", {
      what:
        real === undefined
          ? `There is no question "${id}"`
          : `The question "${id}" is "${real.name}", and the answer is one to "${name}"`,
      where: this.#asking.where,
      mend: suggest(
        id,
        open.map((one) => one.id),
      ),
    });
  }

  #append(draft: EntryDraft): void {
    this.#asking.standstill.asked();
    this.#asking.append(draft);
  }

  #due(expires: number | undefined): { readonly dueAt?: number } {
    return expires === undefined ? {} : { dueAt: this.#asking.now() + expires };
  }

  /** The same in each attempt that asks the same in the same order. */
  #idOf(attempt: Attempt, name: string): string {
    return [...this.#asking.identity.path.slice(1), attempt.questionId(name)].join("/");
  }

  #valid({ ask, name }: Interrupt, payload: unknown, { where }: Attempt): unknown {
    const what = { code: "interrupt-invalid" as const, what: `The question "${name}"`, where };
    return plainCopy(validate(ask, payload, { ...what, mend: "Ask what its `ask` schema says, or widen it" }), where);
  }
}

function unheard(name: string, { where, undoes }: Attempt): SluiceError {
  return new SluiceError("interrupt-unheard", {
    what: undoes
      ? `A compensation asks "${name}": nobody is asked while work is undone`
      : `Nothing in this flow listens to the answer to "${name}"`,
    where,
    mend: undoes
      ? "Ask before the work is done, or after the execution has ended"
      : `Give a chunk @on of its \`answered\`, or use ctx.ask`,
    retryable: false,
  });
}

function closed(id: string, { how }: QuestionEnd, where: string): SluiceError {
  const why = {
    answered: "has been answered already, otherwise or by another request",
    expired: "has expired",
    withdrawn: "is no longer asked: the chunk that waited for the answer has ended",
  };
  return new SluiceError("interrupt-closed", {
    what: `The question "${id}" ${why[how]}`,
    where,
    mend: "Look at execution.interrupts for what is open",
  });
}
