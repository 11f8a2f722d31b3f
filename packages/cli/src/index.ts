export { COMMANDS, createProgram, run } from "./program.ts";
