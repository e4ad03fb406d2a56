/** How a trigger fires, besides its payload. */
export interface Firing {
  /** Where in a reply; empty for other triggers. */
  readonly path: string;
  readonly indexes: readonly number[];
  /** Whether what it triggers answers for a failure. */
  readonly answers: boolean;
}
export const plainly: Firing = { path: "", indexes: [], answers: false };
export const answering: Firing = { ...plainly, answers: true };
