import type { ContractTest } from "./harness.ts";
export function crashContract(_test: ContractTest): void {}
