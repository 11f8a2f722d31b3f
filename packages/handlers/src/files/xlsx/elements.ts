/** XML as events of its elements: names without their prefix, texts whole. No entity is expanded but XML's own five. */
import { SaxesParser } from "saxes";

export interface Elements {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  text?(text: string): void;
  close?(name: string): void;
  /** What has been heard may be written. */
  afterChunk?(): Promise<void>;
}

const localName = (name: string): string => name.slice(name.indexOf(":") + 1);

/** Throws where the XML is not well-formed. */
export async function readElements(source: AsyncIterable<Uint8Array>, elements: Elements): Promise<void> {
  const parser = new SaxesParser({ position: false });
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => elements.open(localName(name), attributes as Record<string, string>));
  parser.on("text", (text) => elements.text?.(text));
  parser.on("cdata", (text) => elements.text?.(text));
  parser.on("closetag", ({ name }) => elements.close?.(localName(name)));
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of source) {
    parser.write(decoder.decode(chunk, { stream: true }));
    await elements.afterChunk?.();
  }
  parser.write(decoder.decode()).close();
}
