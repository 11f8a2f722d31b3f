/**
 * Rows of requests that wait or run, as this process wrote them last, and what they were submitted with: the verbs that
 * follow need not read them again. Nobody else writes (P3), and whatever changes a row otherwise than by `put` makes its
 * image forgotten: the triggers that keep checksums say so, and a write that is undone does.
 */
import type { RequestKey } from "@streamer/core";
import type { UndoLog } from "../sqlite/undo-log.ts";
import type { RequestRow } from "./rows.ts";

/** What a run is given, as text. */
export interface StoredInput {
  readonly payload: string;
  readonly metadata: string;
  readonly permissions: string;
}

export interface Image {
  readonly row: RequestRow;
  readonly input: StoredInput | undefined;
  readonly hasCheckpoint: boolean;
}

export interface RowImages {
  of(key: RequestKey): Image | undefined;
  byId(id: number): Image | undefined;
  put(image: Image): void;
  drop(id: number): void;
}

/** Kept of all images together, about: the oldest make way. */
const MAX_LENGTH = 32 * 1_048_576;
/** What an image weighs beside its input. */
const ROW_LENGTH = 1_024;

export function createRowImages({ note }: Pick<UndoLog, "note">): RowImages {
  const images = new Map<number, Image>();
  const ids = new Map<RequestKey, number>();
  let length = 0;

  const drop = (id: number): void => {
    const image = images.get(id);
    if (!image) return;
    images.delete(id);
    ids.delete(image.row.key);
    length -= lengthOf(image);
  };

  const byId = (id: number): Image | undefined => images.get(id);

  return {
    byId,
    of: (key) => {
      const id = ids.get(key);
      return id === undefined ? undefined : byId(id);
    },
    put: (image) => {
      const { id, key } = image.row;
      drop(id);
      images.set(id, image);
      ids.set(key, id);
      length += lengthOf(image);
      note(() => drop(id));
      while (length > MAX_LENGTH) drop(images.keys().next().value!);
    },
    drop,
  };
}

const lengthOf = ({ input }: Image): number => ROW_LENGTH + (input ? input.payload.length + input.metadata.length : 0);
