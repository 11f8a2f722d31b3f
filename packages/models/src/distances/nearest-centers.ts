/**
 * Which center is each row's nearest? In WebAssembly (ADR 0025), two rows an instruction and eight a turn. Distances are
 * added up in the order of points.ts: a row is assigned as the fit assigned it.
 */
import type { Matrix } from "../matrix.ts";
import * as wasm from "../web-assembly.ts";

/** Rows measured at a time: those of ten columns fit the fastest cache. A multiple of TURN_ROWS. */
const BLOCK_ROWS = 256;
const COLUMN_BYTES = BLOCK_ROWS * 8;
const TURN_ROWS = 8;

interface NearestKernel {
  /**
   * Where a row of the block at `cells` (column after column) is nearer to this center than `nearest` (squared distances)
   * says, writes its distance there and the center's code in `codes`. Places are bytes, all hold 64-bit floats; the code
   * lies behind the center's coordinates, at `codeAt`.
   */
  compare(cells: number, center: number, codeAt: number, nearest: number, codes: number): void;
}

export class NearestCenters {
  readonly #clusterCount: number;
  readonly #centerBytes: number;
  readonly #width: number;
  readonly #centers: Float64Array;

  constructor(centers: Float64Array, clusterCount: number) {
    const width = centers.length / clusterCount;
    this.#clusterCount = clusterCount;
    this.#centerBytes = (width + 1) * 8;
    this.#width = width;
    this.#centers = centers;
  }

  /** The code of each row's nearest center; of two as near, the first. */
  assign(x: Matrix): Int32Array {
    const memory = wasm.takeMemory((this.#width + 2) * COLUMN_BYTES + this.#clusterCount * this.#centerBytes);
    try {
      return this.#assignIn(memory, x);
    } finally {
      wasm.giveMemory(memory);
    }
  }

  #assignIn(memory: WebAssembly.Memory, x: Matrix): Int32Array {
    const cells = new Float64Array(memory.buffer, 0, this.#width * BLOCK_ROWS);
    const nearest = new Float64Array(memory.buffer, this.#width * COLUMN_BYTES, BLOCK_ROWS);
    const nearestCodes = new Float64Array(memory.buffer, (this.#width + 1) * COLUMN_BYTES, BLOCK_ROWS);
    const placeOf = (code: number): number => nearestCodes.byteOffset + COLUMN_BYTES + code * this.#centerBytes;
    for (let code = 0; code < this.#clusterCount; code += 1) {
      const coordinates = this.#centers.subarray(code * this.#width, (code + 1) * this.#width);
      new Float64Array(memory.buffer, placeOf(code), this.#width + 1).set([...coordinates, code]);
    }
    compiled ??= wasm.compile({ name: "compare", parameters: 5, integers: 3, pairs: 7, body: compare() });
    const kernel = wasm.instantiate(compiled, memory) as NearestKernel;
    const codes = new Int32Array(x.rowCount);
    for (let from = 0; from < x.rowCount; from += BLOCK_ROWS) {
      const to = Math.min(x.rowCount, from + BLOCK_ROWS);
      x.columns.forEach((column, at) => cells.set(column.subarray(from, to), at * BLOCK_ROWS));
      nearest.fill(Infinity);
      nearestCodes.fill(0);
      for (let code = 0; code < this.#clusterCount; code += 1) {
        const center = placeOf(code);
        kernel.compare(0, center, center + this.#centerBytes - 8, nearest.byteOffset, nearestCodes.byteOffset);
      }
      codes.set(nearestCodes.subarray(0, to - from), from);
    }
    return codes;
  }
}

let compiled: WebAssembly.Module | undefined;

const [CELLS, CENTER, CODE_AT, NEAREST, CODES, CELLS_END, COLUMN, COORDINATE, PLACE, OFFSET, IS_NEARER] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
];
const SUMS = [11, 12, 13, 14];

function compare(): number[] {
  const { ADD, code, constant, EQUAL, get, set, until } = wasm;
  const next = (place: number, bytes: number): number[] => set(place, get(place), constant(bytes), ADD);
  return code(
    set(CELLS_END, get(CELLS), constant(COLUMN_BYTES), ADD),
    until(
      code(get(CELLS), get(CELLS_END), EQUAL),
      measureTurn(),
      keepNearest(),
      [CELLS, NEAREST, CODES].flatMap((place) => next(place, 8 * TURN_ROWS)),
    ),
  );
}

function measureTurn(): number[] {
  const { ADD, ADD_PAIRS, code, constant, EQUAL, get, loadPair, loadTwice, MULTIPLY_PAIRS, set, SUBTRACT_PAIRS, until, ZERO_PAIR } = wasm;
  const addSquares = SUMS.flatMap((sum, pair) =>
    code(
      set(OFFSET, get(COLUMN), loadPair(16 * pair), get(PLACE), SUBTRACT_PAIRS),
      set(sum, get(sum), get(OFFSET), get(OFFSET), MULTIPLY_PAIRS, ADD_PAIRS),
    ),
  );
  return code(
    SUMS.flatMap((sum) => set(sum, ZERO_PAIR)),
    set(COLUMN, get(CELLS)),
    set(COORDINATE, get(CENTER)),
    until(
      code(get(COORDINATE), get(CODE_AT), EQUAL),
      set(PLACE, get(COORDINATE), loadTwice(0)),
      addSquares,
      set(COLUMN, get(COLUMN), constant(COLUMN_BYTES), ADD),
      set(COORDINATE, get(COORDINATE), constant(8), ADD),
    ),
  );
}

function keepNearest(): number[] {
  const { code, get, LESS_PAIRS, loadPair, loadTwice, SELECT_BITS, set, storePair } = wasm;
  const keep = SUMS.flatMap((sum, pair) =>
    code(
      set(IS_NEARER, get(sum), get(NEAREST), loadPair(16 * pair), LESS_PAIRS),
      code(get(NEAREST), get(sum), get(NEAREST), loadPair(16 * pair), get(IS_NEARER), SELECT_BITS, storePair(16 * pair)),
      code(get(CODES), get(PLACE), get(CODES), loadPair(16 * pair), get(IS_NEARER), SELECT_BITS, storePair(16 * pair)),
    ),
  );
  return code(set(PLACE, get(CODE_AT), loadTwice(0)), keep);
}
