/** The embedded engine keeps every promise of the contract. */
import { adapterContract } from "@streamer/contract";
import { createHarness } from "./harness.ts";

adapterContract(createHarness);
