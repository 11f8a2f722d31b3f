/** Times in a growing array of numbers: nothing for the collector to look at while a scenario runs. */
export interface Samples {
  add(value: number): void;
  readonly count: number;
  /** Nearest rank; NaN without samples. */
  percentile(share: number): number;
}

export function createSamples(size = 65_536): Samples {
  let values = new Float64Array(size);
  let count = 0;
  return {
    add(value) {
      if (count === values.length) {
        const larger = new Float64Array(values.length * 2);
        larger.set(values);
        values = larger;
      }
      values[count] = value;
      count += 1;
    },
    get count() {
      return count;
    },
    percentile(share) {
      if (count === 0) return NaN;
      return values.slice(0, count).sort()[Math.ceil(share * count) - 1]!;
    },
  };
}
