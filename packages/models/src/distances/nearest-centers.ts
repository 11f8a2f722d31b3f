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
const PAGE_BYTES = 65_536;

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
  readonly #kernel: NearestKernel;
  readonly #cells: Float64Array;
  readonly #nearest: Float64Array;
  readonly #codes: Float64Array;

  constructor(centers: Float64Array, clusterCount: number) {
    const width = centers.length / clusterCount;
    this.#clusterCount = clusterCount;
    this.#centerBytes = (width + 1) * 8;
    const bytes = (width + 2) * COLUMN_BYTES + clusterCount * this.#centerBytes;
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
    this.#cells = new Float64Array(memory.buffer, 0, width * BLOCK_ROWS);
    this.#nearest = new Float64Array(memory.buffer, width * COLUMN_BYTES, BLOCK_ROWS);
    this.#codes = new Float64Array(memory.buffer, (width + 1) * COLUMN_BYTES, BLOCK_ROWS);
    for (let code = 0; code < clusterCount; code += 1) {
      const coordinates = centers.subarray(code * width, (code + 1) * width);
      new Float64Array(memory.buffer, this.#placeOf(code), width + 1).set([...coordinates, code]);
    }
    compiled ??= wasm.compile({ name: "compare", parameters: 5, integers: 3, pairs: 7, body: compare() });
    this.#kernel = wasm.instantiate(compiled, memory) as NearestKernel;
  }

  /** The code of each row's nearest center; of two as near, the first. */
  assign(x: Matrix): Int32Array {
    const codes = new Int32Array(x.rowCount);
    for (let from = 0; from < x.rowCount; from += BLOCK_ROWS) {
      const to = Math.min(x.rowCount, from + BLOCK_ROWS);
      x.columns.forEach((column, at) => this.#cells.set(column.subarray(from, to), at * BLOCK_ROWS));
      this.#nearest.fill(Infinity);
      this.#codes.fill(0);
      for (let code = 0; code < this.#clusterCount; code += 1) {
        const center = this.#placeOf(code);
        const codeAt = center + this.#centerBytes - 8;
        this.#kernel.compare(0, center, codeAt, this.#nearest.byteOffset, this.#codes.byteOffset);
      }
      codes.set(this.#codes.subarray(0, to - from), from);
    }
    return codes;
  }

  #placeOf(code: number): number {
    return this.#codes.byteOffset + COLUMN_BYTES + code * this.#centerBytes;
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
