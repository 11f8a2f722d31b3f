/** What sheets a workbook has, and in which parts of the archive they and what they refer to are. */
import { posix } from "node:path";
import { UnreadableFile } from "../unreadable.ts";
import type { PackageParts } from "./package-parts.ts";

export interface Workbook {
  readonly sheets: readonly { readonly name: string; readonly part: string }[];
  /** Days are counted from 1904. */
  readonly is1904: boolean;
  readonly strings: string | undefined;
  readonly styles: string | undefined;
}

interface Relation {
  readonly kind: string;
  readonly target: string;
}

/** The last word of a relation's type, which is a long address: of the transitional or the strict form of the format. */
const kindOf = (type: string): string => type.slice(type.lastIndexOf("/") + 1);

async function relationsOf(parts: PackageParts, part: string): Promise<ReadonlyMap<string, Relation>> {
  const folder = posix.dirname(part);
  const relations = new Map<string, Relation>();
  await parts.read(posix.join(folder, "_rels", `${part === "" ? "" : posix.basename(part)}.rels`), {
    open(name, { Id = "", Type = "", Target = "" }) {
      if (name !== "Relationship") return;
      const target = Target.startsWith("/") ? Target.slice(1) : posix.join(folder, Target);
      relations.set(Id, { kind: kindOf(Type), target });
    },
  });
  return relations;
}

export async function readWorkbook(parts: PackageParts, name: string): Promise<Workbook> {
  const main = [...(await relationsOf(parts, "")).values()].find(({ kind }) => kind === "officeDocument");
  if (!main) throw new UnreadableFile(`"${name}" is no workbook: it names no main part`);
  const relations = await relationsOf(parts, main.target);
  const sheets: { name: string; part: string }[] = [];
  let is1904 = false;
  await parts.read(main.target, {
    open(element, attributes) {
      if (element === "workbookPr") is1904 = attributes.date1904 === "1" || attributes.date1904 === "true";
      if (element !== "sheet") return;
      const id = Object.entries(attributes).find(([key]) => key.endsWith(":id"))?.[1] ?? "";
      const relation = relations.get(id);
      // A sheet of charts has no cells.
      if (relation?.kind === "worksheet") sheets.push({ name: attributes.name ?? "", part: relation.target });
    },
  });
  if (sheets.length === 0) throw new UnreadableFile(`"${name}" has no sheet with cells`);
  const partOf = (kind: string): string | undefined => [...relations.values()].find((one) => one.kind === kind)?.target;
  return { sheets, is1904, strings: partOf("sharedStrings"), styles: partOf("styles") };
}

/** By its name or its number, from 1. */
export function sheetOf({ sheets }: Workbook, wanted: string | number, name: string): Workbook["sheets"][number] {
  const found = typeof wanted === "number" ? sheets[wanted - 1] : sheets.find((sheet) => sheet.name === wanted);
  if (found) return found;
  const known = sheets.slice(0, 12).map((sheet) => `"${sheet.name}"`);
  const more = sheets.length > known.length ? ` and ${sheets.length - known.length} more` : "";
  throw new UnreadableFile(
    `"${name}" has no sheet ${typeof wanted === "number" ? wanted : `"${wanted}"`}; it has ${known.join(", ")}${more}`,
    "sheet",
  );
}
