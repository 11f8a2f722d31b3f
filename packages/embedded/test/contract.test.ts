import { adapterContract } from "@streamer/contract";
import { createHarness } from "./harness.ts";

adapterContract(createHarness);
