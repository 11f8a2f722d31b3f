/** Every theme of attack there is. */
import type { Theme } from "../theme.ts";
import { appends } from "./appends.ts";
import { connections } from "./connections.ts";
import { endlessKeys } from "./endless-keys.ts";
import { expensiveAnswers } from "./expensive-answers.ts";
import { forgedTokens } from "./forged-tokens.ts";
import { fullQueue } from "./full-queue.ts";
import { heavyFrames } from "./heavy-frames.ts";
import { malformedFrames } from "./malformed-frames.ts";
import { silentDoors } from "./silent-doors.ts";
import { smallBatches } from "./small-batches.ts";
import { storedBytes } from "./stored-bytes.ts";
import { unfinishedMessages } from "./unfinished-messages.ts";
import { waitingRuns } from "./waiting-runs.ts";

export const THEMES: readonly Theme[] = [
  forgedTokens,
  silentDoors,
  connections,
  unfinishedMessages,
  malformedFrames,
  heavyFrames,
  expensiveAnswers,
  fullQueue,
  waitingRuns,
  storedBytes,
  appends,
  smallBatches,
  endlessKeys,
];
