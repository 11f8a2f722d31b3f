/**
 * What memory has to take back when a write does not stand. Whoever mirrors tables in memory notes, with each change it
 * makes during a write, how to undo it; when that write or the whole transaction is rolled back the notes are followed
 * from the newest to the mark. Nothing is read from the disk for it, which may be what has just failed.
 */
export interface UndoLog {
  /** To be called after each change; ignored outside a transaction. */
  note(undo: () => void): void;
  begin(): void;
  /** Names this moment for `undo`. */
  mark(): number;
  undo(mark: number): void;
  /** The changes stand. */
  keep(): void;
}

export function createUndoLog(): UndoLog {
  const notes: (() => void)[] = [];
  let isOpen = false;
  return {
    note: (undo) => {
      if (isOpen) notes.push(undo);
    },
    begin: () => {
      isOpen = true;
    },
    mark: () => notes.length,
    undo: (mark) => {
      // What is undone is a change, too, and not to be noted.
      isOpen = false;
      while (notes.length > mark) notes.pop()!();
      isOpen = true;
    },
    keep: () => {
      notes.length = 0;
      isOpen = false;
    },
  };
}
