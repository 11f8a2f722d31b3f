import type { ContractTest } from "./harness.ts";
export function flowContract(_test: ContractTest): void {}
