/**
 * The report as one HTML file that asks nothing of anybody: no scripts, no fonts, no pictures from elsewhere. Its policy
 * allows one style sheet, by its hash, and nothing else, so that no text of the data can become anything but text.
 */
import { createHash } from "node:crypto";
import type { Warning } from "../../../warnings.ts";
import { escaped, printable } from "./drawing.ts";
import type { Figure, Section, Table } from "./sections.ts";

export interface Page {
  readonly title: string;
  readonly summary: string;
  readonly warnings: readonly Warning[];
  readonly facts: readonly (readonly [string, string])[];
  readonly sections: readonly Section[];
}

const STYLE = `:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0 auto;padding:24px 20px 48px;max-width:1120px;font:15px/1.5 system-ui,sans-serif;color:#26333d;background:#fff;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.25;margin:0 0 8px;color:#14324a}h2{font-size:1.25rem;margin:36px 0 12px;color:#14324a;border-bottom:1px solid #d5dde3;padding-bottom:4px}
h3{font-size:1rem;margin:20px 0 6px}.warnings h3{margin:0}p{margin:0 0 10px}
.warnings{margin:16px 0;padding:10px 16px;border-left:4px solid #b3423a;background:#fbf1f0}.warnings ul{margin:6px 0 0;padding-left:20px}
.clear{color:#3f6b3e}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px;margin:16px 0}dl div{background:#f3f6f8;padding:8px 12px;border-radius:6px}
dt{font-size:.8rem;color:#5b6b78}dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:24px;align-items:start}
figure{margin:0;min-width:0}figcaption{font-weight:600;margin-bottom:6px}svg{display:block;width:100%;height:auto;max-width:620px}
.note{font-size:.85rem;color:#5b6b78;margin:4px 0 0}
.scroll{overflow-x:auto;margin-bottom:20px}table{border-collapse:collapse;font-size:.9rem;min-width:100%}
th,td{text-align:left;vertical-align:top;padding:5px 12px 5px 0;border-bottom:1px solid #d5dde3;min-width:70px;max-width:420px}th{color:#5b6b78;font-weight:600}
`;
const LONGEST_TEXT = 300;

const text = (value: string): string => escaped(printable(value, LONGEST_TEXT));

export function pageHtml({ title, summary, warnings, facts, sections }: Page): string {
  const hash = createHash("sha256").update(STYLE).digest("base64");
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="${policy}"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="referrer" content="no-referrer"/>
<title>${text(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${text(title)}</h1>
${warningsHtml(warnings)}
<p>${escaped(printable(summary, 1_000))}</p>
<dl>
${facts.map(([name, value]) => `<div><dt>${text(name)}</dt><dd>${text(value)}</dd></div>`).join("\n")}
</dl>
${sections
  .filter(({ figures, tables }) => figures.length + tables.length > 0)
  .map(sectionHtml)
  .join("\n")}
</body>
</html>
`;
}

function warningsHtml(warnings: readonly Warning[]): string {
  if (warnings.length === 0) return '<p class="clear">No warnings.</p>';
  const items = warnings.map(({ message }) => `<li>${escaped(printable(message, 1_000))}</li>`);
  return `<section class="warnings"><h3>What to know before trusting this</h3><ul>${items.join("")}</ul></section>`;
}

function sectionHtml({ title, figures, tables }: Section): string {
  return `<section>
<h2>${text(title)}</h2>
<div class="figures">
${figures.map(figureHtml).join("\n")}
</div>
${tables.map(tableHtml).join("\n")}
</section>`;
}

const noteHtml = (note: string | undefined): string => (note === undefined ? "" : `<p class="note">${text(note)}</p>`);

function figureHtml({ id, title, svg, note }: Figure): string {
  const named = svg.replace("<svg ", `<svg role="img" aria-label="${text(title)}" `);
  return `<figure id="${text(id)}"><figcaption>${text(title)}</figcaption>${named}${noteHtml(note)}</figure>`;
}

function tableHtml({ id, title, head, rows, note }: Table): string {
  const line = (cells: readonly string[], tag: "th" | "td"): string =>
    `<tr>${cells.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join("")}</tr>`;
  return `<h3 id="${text(id)}">${text(title)}</h3>
<div class="scroll"><table><thead>${line(head, "th")}</thead><tbody>
${rows.map((row) => line(row, "td")).join("\n")}
</tbody></table></div>${noteHtml(note)}`;
}
