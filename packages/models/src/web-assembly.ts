/**
 * Inner loops as WebAssembly (ADR 0025), written as bytes: one function over a memory it is given, and no tool chain. It
 * works on 32-bit integers, which are places in the memory, and on pairs of 64-bit floats.
 *
 * Names and codes are those of https://webassembly.github.io/spec/core/binary/.
 */
export type Code = number | readonly number[];

export interface WrittenFunction {
  readonly name: string;
  /** All integers. Locals follow them: first the integers, then the pairs. */
  readonly parameters: number;
  readonly integers: number;
  readonly pairs: number;
  readonly body: readonly number[];
}

const I32 = 0x7f;
const V128 = 0x7b;
const NO_RESULT = 0x40;
const [BLOCK, LOOP, END, BRANCH, BRANCH_IF] = [0x02, 0x03, 0x0b, 0x0c, 0x0d];

export const [ADD, AND, SHIFT_LEFT, SHIFT_RIGHT, EQUAL] = [0x6a, 0x71, 0x74, 0x76, 0x46];
export const ADD_PAIRS = [0xfd, 0xf0, 0x01];
export const SUBTRACT_PAIRS = [0xfd, 0xf1, 0x01];
export const MULTIPLY_PAIRS = [0xfd, 0xf2, 0x01];
/** All bits of a number set where the first is less, else none. */
export const LESS_PAIRS = [0xfd, 0x49];
/** Of the first where a bit of the third is set, else of the second. */
export const SELECT_BITS = [0xfd, 0x52];
export const ZERO_PAIR = [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0)];

export function compile({ name, parameters, integers, pairs, body }: WrittenFunction): WebAssembly.Module {
  const section = (id: number, ...content: readonly Code[]): number[] => code(id, sized(code(...content)));
  const text = (letters: string): number[] => sized([...new TextEncoder().encode(letters)]);
  const types = sized(Array.from({ length: parameters }, () => I32));
  const locals = [2, integers, I32, pairs, V128];
  return new WebAssembly.Module(
    Uint8Array.from(
      code(
        [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
        section(1, 1, 0x60, types, 0),
        section(2, 1, text("from"), text("memory"), 0x02, 0, 0),
        section(3, 1, 0),
        section(7, 1, text(name), 0x00, 0),
        section(10, 1, sized(code(locals, body, END))),
      ),
    ),
  );
}

/** Exports the function by its name. */
export const instantiate = (module: WebAssembly.Module, memory: WebAssembly.Memory): unknown =>
  new WebAssembly.Instance(module, { from: { memory } }).exports;

export const code = (...parts: readonly Code[]): number[] => parts.flat();
export const get = (local: number): number[] => [0x20, local];
export const set = (local: number, ...value: readonly Code[]): number[] => code(code(...value), 0x21, local);
export const constant = (value: number): number[] => [0x41, ...signed(value)];
export const loadInteger = (offset: number): number[] => [0x28, 2, ...unsigned(offset)];
export const storeInteger = (offset: number): number[] => [0x36, 2, ...unsigned(offset)];
export const loadPair = (offset: number): number[] => [0xfd, 0x00, 3, ...unsigned(offset)];
export const storePair = (offset: number): number[] => [0xfd, 0x0b, 3, ...unsigned(offset)];
/** One float, as both of a pair. */
export const loadTwice = (offset: number): number[] => [0xfd, 0x0a, 3, ...unsigned(offset)];

/** The body, again and again until `isDone` is true, which may be so at once. */
export const until = (isDone: readonly number[], ...body: readonly Code[]): number[] =>
  code([BLOCK, NO_RESULT, LOOP, NO_RESULT], isDone, [BRANCH_IF, 1], code(...body), [BRANCH, 0, END, END]);

/**
 * A memory takes 8 GB of address space, whatever its size, and keeps it until it is collected: twenty small ones that
 * nobody needs any more are all that a process may have. So they are used again.
 */
const idle: WebAssembly.Memory[] = [];
const MOST_IDLE = 2;
/** A larger one is left to the collector, which is told of its size. */
const MOST_KEPT_BYTES = 32 * 1_048_576;
const PAGE_BYTES = 65_536;

/** At least so many bytes, with anything in them. To be given back. */
export function takeMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const memory = idle.pop();
  if (!memory) return new WebAssembly.Memory({ initial: pages });
  const missing = pages - memory.buffer.byteLength / PAGE_BYTES;
  if (missing > 0) memory.grow(missing);
  return memory;
}

export function giveMemory(memory: WebAssembly.Memory): void {
  if (idle.length < MOST_IDLE && memory.buffer.byteLength <= MOST_KEPT_BYTES) idle.push(memory);
}

const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];

/** Seven bits a byte, the lowest first (LEB128). */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

/** Of a number not below 0: the sixth bit of the last byte is its sign. */
function signed(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >>> 7)];
}
