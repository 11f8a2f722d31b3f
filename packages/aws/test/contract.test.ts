import { adapterContract, type Gap } from "@streamer/contract";
import { afterAll, beforeAll } from "vitest";
import { createHarness, startCloud, type Cloud } from "./harness.ts";

const GAPS: readonly Gap[] = [];

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(() => cloud.stop());

adapterContract(() => createHarness(cloud), GAPS);
