import { type ReadRange, SluiceError } from "@sluice/core";
import { checksumOf } from "./checksum.ts";

/** Entries that were appended together. */
export interface EntryBlock {
  /** Numbers of its first and its last entry. */
  readonly first: number;
  readonly last: number;
  /** One entry a line. */
  readonly texts: string;
  readonly checksum: number;
}

/** Of which execution blocks are, and where that is stored. */
export interface BlocksOf {
  readonly executionId: string;
  /** The execution's number in its file. */
  readonly number: number;
  /** The last entry that was stored. */
  readonly lastSeq: number;
  /** The file. */
  readonly path: string;
}

/** Entries in one block: whoever reads some of them reads the block. */
const mostEntries = 512;

/** The blocks of entries whose first has this number. */
export function blocksOf(number: number, first: number, entries: readonly string[]): readonly EntryBlock[] {
  const blocks: EntryBlock[] = [];
  for (let at = 0; at < entries.length; at += mostEntries) {
    const part = entries.slice(at, at + mostEntries);
    const from = first + at;
    const texts = part.join("\n");
    blocks.push({ first: from, last: from + part.length - 1, texts, checksum: checksumOf(texts, `${number}:${from}`) });
  }
  return blocks;
}

/**
 * The entries of a range, out of the blocks that hold them.
 *
 * @param blocks in order; the first holds the range's first entry
 * @throws SluiceError `log-corrupt` with the first entry that is damaged or missing
 */
export function entriesIn(
  blocks: readonly EntryBlock[],
  { after, upTo }: Required<Omit<ReadRange, "limit">>,
  of: BlocksOf,
): string[] {
  const entries: string[] = [];
  let next = Math.min(after + 1, blocks[0]?.first ?? after + 1);
  for (const block of blocks) {
    const { first, last, texts, checksum } = block;
    if (first !== next) throw corrupt(next, "it is missing", of);
    const lines = texts.split("\n");
    if (lines.length !== last - first + 1 || checksumOf(texts, `${of.number}:${first}`) !== checksum) {
      throw corrupt(first, `entries ${first} to ${last} are not as they were stored`, of);
    }
    if (last > of.lastSeq) throw corrupt(of.lastSeq + 1, `entry ${of.lastSeq} should be the last`, of);
    for (let seq = Math.max(first, after + 1); seq <= Math.min(last, upTo); seq += 1) {
      entries.push(lines[seq - first] as string); // as many lines as entries
    }
    next = last + 1;
  }
  if (next <= Math.min(upTo, of.lastSeq)) throw corrupt(next, "it is missing", of);
  return entries;
}

function corrupt(seq: number, what: string, { executionId, path }: BlocksOf): SluiceError {
  const fork = seq > 1 ? `, or fork the execution from entry ${seq - 1}` : "";
  return new SluiceError("log-corrupt", {
    what: `Entry ${seq} of the execution "${executionId}" cannot be read: ${what}`,
    where: path,
    mend: `Restore the file from a backup${fork}`,
  });
}
