/** Every suite, in the order in which they run. */
import type { Suite } from "../suite.ts";
import { awsBrownouts } from "./aws-brownouts.ts";
import { awsDeliveries } from "./aws-deliveries.ts";
import { awsFunctions } from "./aws-functions.ts";
import { awsWeather } from "./aws-weather.ts";
import { CLIENT_SIDE } from "./client-side.ts";
import { flippedBits } from "./flipped-bits.ts";
import { fullDisk } from "./full-disk.ts";
import { hostileHandlers } from "./hostile-handlers.ts";
import { pauses } from "./pauses.ts";
import { rollingRestarts } from "./rolling-restarts.ts";
import { sigkill } from "./sigkill.ts";
import { soak } from "./soak.ts";
import { syscalls } from "./syscalls.ts";

export const SUITES: readonly Suite[] = [
  ...CLIENT_SIDE,
  rollingRestarts,
  awsDeliveries,
  awsWeather,
  awsFunctions,
  awsBrownouts,
  pauses,
  fullDisk,
  flippedBits,
  hostileHandlers,
  sigkill,
  syscalls,
  soak,
];
