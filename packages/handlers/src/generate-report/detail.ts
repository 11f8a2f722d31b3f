/**
 * The detail of a report: one row per order line, in order of date. CSV, Excel and PDF all take their columns
 * from here, so that they always agree.
 */
import type { Shape } from "./query.ts";

type ColumnKind = "date" | "text" | "count" | "key" | "money";

export interface DetailColumn {
  /** Column of the table `lines`, and the header in CSV. */
  readonly name: string;
  /** The header people read. */
  readonly title: string;
  readonly kind: ColumnKind;
  /** Width in characters. */
  readonly width: number;
}

const COLUMNS: readonly DetailColumn[] = [
  { name: "order_date", title: "Date", kind: "date", width: 12 },
  { name: "order_id", title: "Order", kind: "text", width: 14 },
  { name: "customer_key", title: "Customer no.", kind: "key", width: 13 },
  { name: "customer", title: "Customer", kind: "text", width: 24 },
  { name: "product_key", title: "Product no.", kind: "key", width: 12 },
  { name: "product", title: "Product", kind: "text", width: 34 },
  { name: "category", title: "Category", kind: "text", width: 20 },
  { name: "region", title: "Region", kind: "text", width: 18 },
  { name: "country", title: "Country", kind: "text", width: 18 },
  { name: "quantity", title: "Quantity", kind: "count", width: 10 },
  { name: "revenue", title: "Revenue", kind: "money", width: 14 },
  { name: "profit", title: "Profit", kind: "money", width: 14 },
];

/** The columns this shop's data has. */
export function detailColumns(shape: Shape): readonly DetailColumn[] {
  return COLUMNS.filter(({ name }) => shape[name as keyof Shape] ?? true);
}
