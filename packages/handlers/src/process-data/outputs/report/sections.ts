/** What a report is made of: figures and tables under headings, bounded before they are drawn. */
export interface Figure {
  /** Names it in the page and for tests. */
  readonly id: string;
  readonly title: string;
  readonly svg: string;
  readonly note?: string | undefined;
}

export interface Table {
  readonly id: string;
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note?: string | undefined;
}

export interface Section {
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly tables: readonly Table[];
}
