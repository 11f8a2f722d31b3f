/** What can be reported on: each year the data covers, and the quarters of the last one, newest first. */
export interface Period {
  readonly name: string;
  readonly start: string;
  readonly end: string;
}

const QUARTERS = [
  ["10-01", "12-31"],
  ["07-01", "09-30"],
  ["04-01", "06-30"],
  ["01-01", "03-31"],
] as const;

export function periodsOf(firstDay: string, lastDay: string): readonly Period[] {
  const [first, last] = [firstDay, lastDay].map((day) => Number(day.slice(0, 4))) as [number, number];
  const years = Array.from({ length: last - first + 1 }, (_, index) => last - index).map((year) => ({
    name: String(year),
    start: `${year}-01-01`,
    end: `${year}-12-31`,
  }));
  const quarters = QUARTERS.map(([start, end], index) => ({
    name: `Q${4 - index} ${last}`,
    start: `${last}-${start}`,
    end: `${last}-${end}`,
  }));
  return [...years, ...quarters.filter(({ start, end }) => start <= lastDay && end >= firstDay)];
}

/** How a period is called, whatever it is. */
export function periodName(start: string, end: string): string {
  const year = start.slice(0, 4);
  if (start === `${year}-01-01` && end === `${year}-12-31`) return year;
  const quarter = QUARTERS.findIndex(([from, to]) => start === `${year}-${from}` && end === `${year}-${to}`);
  return quarter === -1 ? `${start} to ${end}` : `Q${4 - quarter} ${year}`;
}
