/**
 * The pages of a report: where the next thing is printed, and what each means to whoever has the page read aloud
 * (PDF's structure). All that is only there to be looked at is marked as an artifact.
 */
import PDFDocument from "pdfkit";
import { createTypesetter, type Typesetter } from "../text/typesetter.ts";
import type { Palette } from "../theme.ts";

type PageFormat = "A4" | "LETTER";

export interface PaperOptions {
  readonly format: PageFormat;
  /** Language of the report, as in "en". */
  readonly tag: string;
  readonly title: string;
  readonly author: string;
  readonly subject: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly colours: Palette;
  /** After each page, with its number: waits until others had their turn, and rejects when the run was stopped. */
  readonly turned: (page: number) => Promise<void>;
}

/** What a part of the page is, in PDF's own names. */
type Role = "H1" | "H2" | "P" | "Table" | "TR" | "TH" | "TD" | "Figure" | "Note";
interface RoleOptions {
  readonly alt?: string;
  readonly scope?: "Column" | "Row";
}

export interface Paper {
  readonly document: typeof PDFDocument.prototype;
  readonly type: Typesetter;
  readonly colours: Palette;
  readonly left: number;
  readonly width: number;
  /** Where the next thing begins: points from the top of the page. */
  y: number;
  /** Points that are left on this page. */
  room(): number;
  /** True when a page was begun since there was no room for `height`. */
  ensure(height: number): Promise<boolean>;
  turn(): Promise<void>;
  /** Whatever `draw` prints, as one part of the page. */
  tagged(role: Role, draw: () => void, options?: RoleOptions): void;
  /** A part that has parts: tags inside `draw` belong to it, over as many pages as it takes. */
  group(role: Role, draw: () => Promise<void>): Promise<void>;
  artifact(draw: () => void): void;
  bookmark(title: string): void;
  pages(): number;
  /** Prints head and foot of every page, and ends the document. */
  end(furniture: (page: number, pages: number) => void): void;
}

const MARGIN = { left: 40, right: 40, top: 46, bottom: 44 } as const;

export function createPaper(options: PaperOptions): Paper {
  const document = new PDFDocument({
    size: options.format,
    margin: 0,
    bufferPages: true,
    pdfVersion: "1.7",
    tagged: true,
    displayTitle: true,
    lang: options.tag,
    info: {
      Title: options.title,
      Author: options.author,
      Subject: options.subject,
      Creator: "Streamer",
      Producer: "Streamer",
      CreationDate: new Date(options.createdAt),
    },
  });
  const root = document.struct("Document");
  document.addStructure(root);
  let parent = root;
  let pages = 1;
  const bottom = document.page.height - MARGIN.bottom;
  const paper: Paper = {
    document,
    type: createTypesetter(document, options.tag),
    colours: options.colours,
    left: MARGIN.left,
    width: document.page.width - MARGIN.left - MARGIN.right,
    y: MARGIN.top,
    room: () => bottom - paper.y,
    async ensure(height) {
      if (height <= paper.room() || paper.y === MARGIN.top) return false;
      await paper.turn();
      return true;
    },
    async turn() {
      await options.turned(pages);
      document.addPage();
      pages += 1;
      paper.y = MARGIN.top;
    },
    tagged(role, draw, roleOptions = {}) {
      const part = document.struct(role, { ...roleOptions });
      parent.add(part);
      part.add(draw);
      part.end();
    },
    async group(role, draw) {
      const part = document.struct(role);
      const outer = parent;
      outer.add(part);
      parent = part;
      try {
        await draw();
      } finally {
        parent = outer;
      }
      part.end();
    },
    artifact(draw) {
      document.markContent("Artifact");
      draw();
      document.endMarkedContent();
    },
    bookmark: (title) => void document.outline.addItem(title),
    pages: () => pages,
    end(furniture) {
      const range = document.bufferedPageRange();
      for (let page = 0; page < range.count; page += 1) {
        document.switchToPage(page);
        paper.artifact(() => furniture(page + 1, range.count));
      }
      root.end();
      document.end();
    },
  };
  return paper;
}
