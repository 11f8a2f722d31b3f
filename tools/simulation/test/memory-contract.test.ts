/** The model is an engine like the others: it keeps every promise of the contract. */
import { adapterContract } from "@streamer/contract";
import { createHarness } from "./memory-harness.ts";

adapterContract(createHarness);
