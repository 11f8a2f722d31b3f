/**
 * The detail of a report: one row per order line, in order of date. CSV, Excel and PDF all take their columns
 * from here, so that they always agree.
 */
import type { Labels } from "./locale/labels.ts";
import type { Shape } from "./query.ts";

type ColumnKind = "date" | "text" | "count" | "key" | "money";

/** A column by its label, before there is a language. */
type Column = Omit<DetailColumn, "title"> & { readonly label: TextLabel };
type TextLabel = { [Name in keyof Labels]: Labels[Name] extends string ? Name : never }[keyof Labels];

export interface DetailColumn {
  /** Column of the table `lines`, and the header in CSV. */
  readonly name: string;
  /** The header people read. */
  readonly title: string;
  readonly kind: ColumnKind;
  /** Width in characters. */
  readonly width: number;
}

const COLUMNS: readonly Column[] = [
  { name: "order_date", label: "date", kind: "date", width: 12 },
  { name: "order_id", label: "order", kind: "key", width: 14 },
  { name: "customer_key", label: "customerKey", kind: "key", width: 13 },
  { name: "customer", label: "customer", kind: "text", width: 24 },
  { name: "product_key", label: "productKey", kind: "key", width: 12 },
  { name: "product", label: "product", kind: "text", width: 34 },
  { name: "category", label: "category", kind: "text", width: 20 },
  { name: "region", label: "region", kind: "text", width: 18 },
  { name: "country", label: "country", kind: "text", width: 18 },
  { name: "quantity", label: "quantity", kind: "count", width: 10 },
  { name: "revenue", label: "revenue", kind: "money", width: 14 },
  { name: "profit", label: "profit", kind: "money", width: 14 },
];

/** The columns this shop's data has. */
export function detailColumns(shape: Shape, labels: Labels): readonly DetailColumn[] {
  return COLUMNS.filter(({ name }) => shape[name as keyof Shape] ?? true).map(({ label, ...column }) => ({
    ...column,
    title: labels[label],
  }));
}
