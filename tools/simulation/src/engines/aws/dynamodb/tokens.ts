/** Expressions in pieces: names, `#aliases`, `:values`, operators, keywords. */
import { UnknownToModel } from "./values.ts";

const PIECE = /\s*(?:([#:]?\w+)|(<>|<=|>=|[=<>(),+-]))/y;

export interface Tokens {
  /** The next piece, as it is written; undefined at the end. */
  readonly next: string | undefined;
  take(): string;
  /** Takes the next piece if it is this one, whatever its case. */
  takes(piece: string): boolean;
  expect(piece: string): void;
  fail(): never;
}

export function readTokens(expression: string): Tokens {
  const pieces: string[] = [];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < expression.trimEnd().length) {
    const at = PIECE.lastIndex;
    const [, word, sign] = PIECE.exec(expression) ?? [];
    if (word === undefined && sign === undefined) throw new UnknownToModel(`"${expression}" cannot be read at ${at}.`);
    pieces.push((word ?? sign)!);
  }
  let at = 0;
  const fail = (): never => {
    throw new UnknownToModel(`"${expression}" is not known, at piece ${at}: ${pieces[at] ?? "its end"}.`);
  };
  const takes = (piece: string): boolean => {
    const isIt = pieces[at]?.toUpperCase() === piece.toUpperCase();
    if (isIt) at += 1;
    return isIt;
  };
  return {
    get next() {
      return pieces[at];
    },
    take: () => pieces[at++] ?? fail(),
    takes,
    expect: (piece) => {
      if (!takes(piece)) fail();
    },
    fail,
  };
}
